"""The master of a pool: starts the worker processes, replaces one that dies, ends with all of them.

Each child holds the reading end of a pipe whose writing end only the master has: when the master
dies, however it dies, the pipe closes and the child drains and ends.
"""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from process import liveness

log: Final = logging.getLogger(__name__)

SERVICE: Final = "workers"
"""The package that a worker process runs, and the name under which it says that it lives."""

REFUSED: Final = 78
"""Exit code of a process that refuses to start; starting it again would not help (EX_CONFIG)."""

OUTAGE: Final = 75
"""Exit code of a process that PostgreSQL or Redis was away from; another one may find them back (EX_TEMPFAIL)."""

_LOOK_SECONDS: Final = 0.2
_STEADY_SECONDS: Final = 30.0
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0

# After the drain a worker still gives back its messages and closes its connections.
_LEAVE_SECONDS: Final = 15.0


@dataclass
class _Seat:
    number: int
    process: "subprocess.Popen[bytes] | None" = None
    lifeline: int = -1
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    due: float = 0.0
    been_up: bool = False


class Supervisor:
    """Keeps a number of worker processes running until it is told to stop."""

    def __init__(self, command: Sequence[str], processes: int, *, drain_seconds: float) -> None:
        self._command = list(command)
        self._seats = [_Seat(number) for number in range(1, processes + 1)]
        self._drain_seconds = drain_seconds

    def run(self, stop: threading.Event) -> int:
        """Supervise until stopped; gives back the exit code of the pool."""
        try:
            while not stop.is_set():
                for seat in self._seats:
                    if self._refused(seat):
                        return 1
                stop.wait(_LOOK_SECONDS)
        finally:
            self._end_all()
        return 0

    def process_ids(self) -> list[int]:
        """Give the ids of the children that were last seen running."""
        return [seat.process.pid for seat in self._seats if seat.process is not None]

    def _refused(self, seat: _Seat) -> bool:
        """Look at a seat; True when its process refused to start in a pool that has never been complete."""
        if seat.process is None:
            if time.monotonic() >= seat.due:
                self._start(seat)
            return False
        code = seat.process.poll()
        if code is None:
            seat.been_up = seat.been_up or _is_up(seat.process.pid)
            return False
        pause = self._vacate(seat)
        # A pool that has worked goes on: what one replacement refuses must not end its healthy neighbours.
        if code == REFUSED and not all(each.been_up for each in self._seats):
            return True
        log.error("worker process %d ended with %d, another one takes its place in %.1f s", seat.number, code, pause)
        return False

    def _start(self, seat: _Seat) -> None:
        reading, seat.lifeline = os.pipe()
        command = [sys.executable, "-m", SERVICE, *self._command, "--lifeline", str(reading)]
        seat.process = subprocess.Popen(command, pass_fds=(reading,))  # noqa: S603  our own module
        os.close(reading)
        seat.started = time.monotonic()
        log.info("worker process %d is %d", seat.number, seat.process.pid)

    def _vacate(self, seat: _Seat) -> float:
        """Empty a seat and give back for how many seconds."""
        steady = time.monotonic() - seat.started > _STEADY_SECONDS
        pause = _FIRST_PAUSE if steady else seat.pause
        seat.due = time.monotonic() + pause
        seat.pause = min(pause * 2, _LONGEST_PAUSE)
        os.close(seat.lifeline)
        seat.process = None
        return pause

    def _end_all(self) -> None:
        processes = [seat.process for seat in self._seats if seat.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + self._drain_seconds + _LEAVE_SECONDS
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("worker %d did not drain in time and is killed; its messages run again", process.pid)
                process.kill()
                process.wait()


def _is_up(pid: int) -> bool:
    return any(sign.pid == pid for sign in liveness.check(SERVICE).processes)
