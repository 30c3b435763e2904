"""What PostgreSQL and Valkey have in common: a folder, a port, and a keeper that runs them."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar, Final, Self

from . import keeper
from .ports import kept_port

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
POLL_SECONDS: Final = 0.02


class ServerNotStarted(Exception):
    """The server did not come up; the message says why and what to do."""


class Server(ABC):
    """A server on 127.0.0.1 that dies with the process that started it, and keeps its data."""

    endings: ClassVar[tuple[signal.Signals, ...]]
    gentle: ClassVar[signal.Signals]
    at_once: ClassVar[signal.Signals]

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.port = kept_port(self.data_dir / "port") if port is None else port
        self.log = self.data_dir / "server.log"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._log_begins = 0

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients connect; the same after every restart."""

    @property
    def pid(self) -> int:
        """The process id of the server itself, for tests that stop or kill it."""
        return self._pid

    @property
    def running(self) -> bool:
        """Whether the server's process exists."""
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> None:
        """Start the server over its data, new or old, and return when it answers."""
        if self.running:
            return
        self._forget()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with _locked(self.data_dir) as lock, self.log.open("ab") as log:
            self._log_begins = log.tell()
            self._prepare()
            self._keep(self._command(), lock=lock, log=log.fileno())
        self._await_answer()

    def stop(self, *, immediate: bool = False) -> None:
        """End the server: in order, or at once as a power cut would (`immediate`)."""
        if self._keeper is not None:
            self._signal(self.at_once if immediate else self.gentle)
            try:
                self._keeper.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        self._forget()

    def kill(self) -> None:
        """Kill the server's process, as the kernel would for want of memory."""
        self._signal(signal.SIGKILL)
        self._forget()

    def restart(self, *, immediate: bool = False) -> None:
        """Stop and start on the same port with the same data."""
        self.stop(immediate=immediate)
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @abstractmethod
    def _prepare(self) -> None:
        """Make the data folder ready for a start; called while the folder is locked."""

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the command line that runs the server in the foreground."""

    @abstractmethod
    def _answers(self) -> bool:
        """Tell whether the server takes work from clients now."""

    def _account(self) -> int | None:
        """Return the user id the server runs as; None for our own."""
        return None

    def _folder(self) -> Path:
        """Return the folder the server is started in."""
        return self.data_dir

    def _keep(self, command: Sequence[str], *, lock: int, log: int) -> None:
        options = keeper.Options(self.endings, inherited=(lock,), user=self._account())
        program = (sys.executable, "-I", "-S", keeper.__file__, options.dump())
        self._keeper = subprocess.Popen(
            [*program, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=self._folder(),
            pass_fds=(lock,),
            # Ctrl-C goes to a whole process group; servers stop when their owner says so.
            start_new_session=True,
        )
        if self._keeper.stdout is not None:
            self._pid = int(self._keeper.stdout.readline() or 0)

    def _signal(self, number: signal.Signals) -> None:
        if self._keeper is not None and self._keeper.stdin is not None and self.running:
            # The server may end by itself between the look and the write.
            with _broken_pipe_ignored():
                os.write(self._keeper.stdin.fileno(), bytes([number]))

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise ServerNotStarted(f"{self._command()[0]} did not start: {self._said()}")
            time.sleep(POLL_SECONDS)

    def _said(self) -> str:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._log_begins)
            return log.read().strip() or f"it logged nothing to {self.log}"

    def _forget(self) -> None:
        if self._keeper is None:
            return
        with self._keeper:  # waits, and closes the pipes
            pass
        self._keeper = None


@contextmanager
def _broken_pipe_ignored() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        return


@contextmanager
def _locked(data_dir: Path) -> Iterator[int]:
    """Hold the folder; the server inherits the hold, so nobody starts another over its data.

    After a kill the last process of the server may live for some milliseconds: this waits for it.
    """
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + STOP_SECONDS
        while not _lock(descriptor):
            if time.monotonic() > deadline:
                raise ServerNotStarted(f"Another server runs over {data_dir}; stop it first.")
            time.sleep(POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
