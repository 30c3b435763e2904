"""Ports of 127.0.0.1 that servers can keep over a restart."""

import random
import socket
from typing import Final

# Below the range from which systems hand out ports to clients: a client that keeps trying a
# stopped server there can be given that very port, connect to itself and keep the server out.
SERVER_PORTS: Final = range(20_000, 32_000)


def free_port(preferred: int | None = None) -> int:
    """Return the preferred port if it is free, else any free one."""
    if preferred is not None and is_free(preferred):
        return preferred
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
