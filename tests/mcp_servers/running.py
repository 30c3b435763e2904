"""Run a server as a process, hear what it prints, and leave nothing of it behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Final, Self

from embedded import keeper

from .family import Family

_POLL_SECONDS: Final = 0.02
_PATIENCE_SECONDS: Final = 5.0
_LINES_KEPT: Final = 10_000


class ServerNotStarted(Exception):
    """The server ended or did not listen in time; the message holds what it printed."""


@dataclass(frozen=True)
class PrintedLine:
    """One line that a server printed, and when it was heard."""

    printed_at: datetime
    text: str


class RunningServer:
    """Runs a command for the length of a ``with``, or from ``start`` to ``stop``.

    The server runs in a folder of its own that is thrown away, because servers write where they
    stand.  It also ends when this process dies, however it dies.
    """

    def __init__(
        self,
        command: Sequence[str],
        port: int,
        *,
        environment: Mapping[str, str] | None = None,
        start_seconds: float = 60.0,
    ) -> None:
        self.command = tuple(command)
        self.port = port
        self.pid = 0
        self._environment = {"PYTHONUNBUFFERED": "1", **(environment or {})}
        self._start_seconds = start_seconds
        self._lines: deque[PrintedLine] = deque(maxlen=_LINES_KEPT)
        self._family = Family()
        self._folder = Path()
        self._keeper: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where its MCP endpoint is."""
        return f"http://127.0.0.1:{self.port}/mcp"

    @property
    def running(self) -> bool:
        """Whether the server's own process is alive."""
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> None:
        """Start the server and return when its port answers."""
        self._folder = Path(mkdtemp(prefix="mcp-server-"))
        options = keeper.Options((signal.SIGTERM, signal.SIGKILL)).dump()
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, options, *self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            env={**os.environ, **self._environment, **self._family.environment},
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, args=(self._keeper,), daemon=True)
        self._listener.start()
        if self._keeper.stdout is not None:
            self.pid = int(self._keeper.stdout.readline() or 0)
        self._await_answer()

    def lines(self) -> list[PrintedLine]:
        """Give the lines that were printed and not given before, oldest first."""
        return [self._lines.popleft() for _ in range(len(self._lines))]

    def stop(self, *, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        """Ask the server to end, wait a little, and kill what is left of it."""
        if self._keeper is not None and self._keeper.stdin is not None and self.running:
            with suppress(BrokenPipeError):  # It may end between the look and the word.
                os.write(self._keeper.stdin.fileno(), bytes([signal.SIGTERM]))
            with suppress(subprocess.TimeoutExpired):
                self._keeper.wait(patience_seconds)
        self.kill()

    def kill(self) -> None:
        """Kill the server and all that it started, as a crash of its host would."""
        self._family.kill(within=_PATIENCE_SECONDS)
        if self._keeper is not None and self._listener is not None:
            self._listener.join(_PATIENCE_SECONDS)
            with self._keeper:  # reaps it and closes the pipes
                self._keeper = None
            rmtree(self._folder)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _listen(self, running: subprocess.Popen[str]) -> None:
        for line in running.stderr or ():
            self._lines.append(PrintedLine(datetime.now(UTC), line.rstrip("\n")))

    def _await_answer(self) -> None:
        deadline = time.monotonic() + self._start_seconds
        while not _listens(self.port):
            if not self.running or time.monotonic() > deadline:
                self.kill()
                printed = "\n".join(line.text for line in self.lines()) or "it printed nothing"
                raise ServerNotStarted(f"{self.command[0]} did not start: {printed}")
            time.sleep(_POLL_SECONDS)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(_PATIENCE_SECONDS)
        return client.connect_ex(("127.0.0.1", port)) == 0
