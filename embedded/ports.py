"""Ports of 127.0.0.1 that servers can keep over a restart."""

import random
import socket
from pathlib import Path
from typing import Final

# Below the range from which systems hand out ports to clients: a client that keeps trying a
# stopped server there can be given that very port, connect to itself and keep the server out.
SERVER_PORTS: Final = range(20_000, 32_000)


def kept_port(file: Path) -> int:
    """Return the port in the file, if it is free, or write a free one there: URLs last as long as the data."""
    try:
        port = int(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        port = 0
    if port not in SERVER_PORTS or not is_free(port):
        port = free_port()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{port}\n", encoding="utf-8")
    return port


def free_port() -> int:
    """Return a port that no server listens on."""
    candidates = random.sample(SERVER_PORTS, k=200)
    return next(port for port in candidates if is_free(port))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
