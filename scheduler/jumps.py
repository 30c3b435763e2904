"""Jumps of the clock: somebody set it, or the machine slept."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

TOLERATED_SECONDS: Final = 1.0
"""What a clock that is slowly corrected, or a busy machine, may differ between two looks."""


def _wall() -> float:
    return datetime.now(UTC).timestamp()


class Jumps:
    """Compares the time of day with a clock that nobody can set."""

    def __init__(self, wall: Callable[[], float] = _wall, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._difference = wall() - steady()

    def since_last_look(self) -> float:
        """Give by how many seconds the time of day jumped, forward or (below 0) back; 0 for what is tolerated."""
        difference = self._wall() - self._steady()
        jump = difference - self._difference
        if abs(jump) < TOLERATED_SECONDS:
            return 0
        self._difference = difference
        return jump
