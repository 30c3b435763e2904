"""Our own processes on the stage: their logs lie in files, and none outlives the demo, however it dies."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil

from embedded import keeper

CHECKOUT: Final = Path(__file__).parents[1]
MARK: Final = "MINIMCP_DEMO"
"""A variable in the environment of everything that the demo starts, by which leftovers are found."""

_ENDINGS: Final = (signal.SIGTERM, signal.SIGKILL)


class StageProcess:
    """`python -m SOMETHING` with its own log file."""

    def __init__(self, name: str, arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name.replace(' ', '-')}.log"
        self.pid = 0
        self._command = [sys.executable, "-m", *arguments]
        self._environment = dict(environment)
        self._keeper: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process; the keeper between us ends it when the demo is gone."""
        program = [sys.executable, "-I", "-S", keeper.__file__, keeper.Options(_ENDINGS).dump()]
        with self.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                [*program, *self._command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=CHECKOUT,
                env={**os.environ, **self._environment},
                # Ctrl-C goes to a whole process group; the demo ends its processes in its own order.
                start_new_session=True,
            )
        if self._keeper.stdout is not None:
            self.pid = int(self._keeper.stdout.readline() or 0)

    @property
    def ended(self) -> bool:
        """Whether the process is over."""
        return self._keeper is not None and self._keeper.poll() is not None

    def wait(self, seconds: float) -> int | None:
        """Wait for the process to end by itself; 0 if it ended well, None if it did not end."""
        if self._keeper is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            return self._keeper.wait(seconds)
        return None

    def stop(self, seconds: float) -> bool:
        """Ask the process to finish, and kill it if it takes too long; true if it ended well."""
        if self._keeper is None:
            return True
        self._send(signal.SIGTERM)
        code = self.wait(seconds)
        if code is None:
            self._send(signal.SIGKILL)
        with self._keeper:  # waits, and closes the pipes
            self._keeper = None
        return code == 0

    def events(self) -> Iterator[Mapping[str, Any]]:
        """Give what the process has logged, line by line, where it is JSON."""
        for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines():
            event = _event(line)
            if event is not None:
                yield event

    def _send(self, number: signal.Signals) -> None:
        if self._keeper is not None and self._keeper.stdin is not None:
            with suppress(BrokenPipeError):  # It may end between the look and the word.
                os.write(self._keeper.stdin.fileno(), bytes([number]))


def tail(log: Path, lines: int = 25) -> str:
    """Give the end of a log under its name, for a person to read."""
    last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:] if log.exists() else []
    return "\n".join([f"--- the end of {log.name} ---", *map(_readable, last)])


def leftovers(mark: str) -> list[psutil.Process]:
    """Find living processes that come from the demo, whoever is their parent now."""
    return [process for process in psutil.process_iter() if _is_ours(process, mark)]


def _is_ours(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _readable(line: str) -> str:
    event = _event(line)
    if event is None:
        return line
    words = (event.get("ts"), event.get("level"), event.get("pid"), event.get("event"))
    return "\n".join([" ".join(map(str, words)), *str(event.get("traceback", "")).splitlines()])


def _event(line: str) -> dict[str, Any] | None:
    with suppress(ValueError):
        event = json.loads(line)
        return event if isinstance(event, dict) else None
    return None
