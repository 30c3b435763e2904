"""A file for each process that says that it lives, and the look at these files from outside.

The file is rewritten each second.  A process that hangs, or whose watching thread died, stops
rewriting it; one that was killed leaves a file whose pid is free or has another process behind it.
"""

import json
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from .errors import StateFolderUnusable

FRESH_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Sign:
    """What a process says of itself."""

    service: str
    pid: int
    process_start: str
    written: float
    """Seconds of the machine's monotonic clock, which no change of date moves."""
    state: str
    dead_threads: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read a file; None when it is gone or is not one of ours."""
        try:
            fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**fields, "dead_threads": tuple(fields["dead_threads"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def age(self) -> float:
        """Seconds since the process last said that it lives."""
        return time.monotonic() - self.written

    @property
    def process_exists(self) -> bool:
        """Whether the process that wrote this still exists."""
        return process_start(self.pid) == self.process_start

    @property
    def healthy(self) -> bool:
        """Whether the process wrote this just now and all its threads were alive."""
        # A negative age is a sign from before a reboot.
        return 0 <= self.age < FRESH_SECONDS and not self.dead_threads

    def sentence(self) -> str:
        """Say how this process is."""
        if self.dead_threads:
            return f"process {self.pid} has dead threads: {', '.join(self.dead_threads)}"
        if not self.healthy:
            return f"process {self.pid} has been silent for {self.age:.0f} s"
        return f"process {self.pid}: {self.state}"


@dataclass(frozen=True)
class Report:
    """What was found of the processes of one service on this machine."""

    service: str
    processes: Sequence[Sign]

    @property
    def alive(self) -> bool:
        """Whether there are processes and all of them are well: one that hangs is not hidden by its neighbours."""
        return bool(self.processes) and all(sign.healthy for sign in self.processes)

    @property
    def sentence(self) -> str:
        """Say in one line what was found."""
        if not self.processes:
            return f"{self.service}: no process runs"
        verdict = "alive" if self.alive else "not alive"
        return f"{self.service}: {verdict}; " + "; ".join(sign.sentence() for sign in self.processes)

    def as_json(self) -> str:
        """Write the report for a program to read."""
        processes = [{**asdict(sign), "age": round(sign.age, 3), "healthy": sign.healthy} for sign in self.processes]
        return json.dumps({"service": self.service, "alive": self.alive, "processes": processes})


class SignOfLife:
    """The file of this process."""

    def __init__(self, service: str, folder: Path | None = None) -> None:
        self._service = service
        self._folder = folder or state_folder()
        self._path = self._folder / f"{service}-{os.getpid()}.json"
        self._process_start = process_start(os.getpid()) or ""

    def open(self) -> None:
        """Make the folder, closed to other accounts, and refuse one that is not ours."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StateFolderUnusable(
                f"The state folder {self._folder} cannot be made, set TMPDIR: {error}."
            ) from error
        owner = self._folder.stat().st_uid
        if owner != os.geteuid():
            raise StateFolderUnusable(
                f"The state folder {self._folder} belongs to user {owner}: remove it, or set TMPDIR."
            )

    def write(self, state: str, dead_threads: Sequence[str] = ()) -> None:
        """Say that the process lives; a reader sees the old file or the new one, never a half."""
        sign = Sign(
            self._service, os.getpid(), self._process_start, time.monotonic(), state, dead_threads=tuple(dead_threads)
        )
        draft = self._path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(sign)), encoding="utf-8")
        draft.replace(self._path)

    def remove(self) -> None:
        """Say that the process leaves."""
        self._path.unlink(missing_ok=True)


def check(service: str, folder: Path | None = None) -> Report:
    """Look at the processes of a service; what dead processes left behind is removed."""
    found = []
    for path in sorted((folder or state_folder()).glob(f"{service}-*.json")):
        sign = Sign.read(path)
        if sign is None or sign.service != service:
            continue
        if sign.process_exists:
            found.append(sign)
        else:
            path.unlink(missing_ok=True)
    return Report(service, found)


def state_folder() -> Path:
    """Return where the processes of this account on this machine say that they live."""
    return Path(tempfile.gettempdir()) / f"minimcp-{os.geteuid()}"


def process_start(pid: int) -> str | None:
    """Return what tells this process from a later one with the same pid; None when there is none.

    A zombie is no process: under a first process that never reaps it would be found for ever.
    """
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return None if Path("/proc/self").exists() else _without_proc(pid)
    except (ProcessLookupError, ValueError):
        return None
    # Counting from the state, which is the third field, the start is the 22nd (proc(5)).
    return None if state in "ZX" else fields[18]


def _without_proc(pid: int) -> str | None:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return "unknown"
