"""Who sends more than a share: so many a second over a while, each subject by itself."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final

MOST_SUBJECTS: Final = 10_000
"""Those of which nothing was heard for longest are forgotten, and begin anew."""


class Pace:
    """Tells whether a subject is ahead of ``per_second`` by more than ``burst_seconds`` of it.

    Of each subject it keeps one number: the moment at which, at that pace, all would have been sent that was.
    """

    def __init__(
        self, per_second: float, *, burst_seconds: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_second
        self._burst = burst_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._even: OrderedDict[Hashable, float] = OrderedDict()

    def exceeded(self, subject: Hashable, count: int = 1) -> bool:
        """Count what a subject sends; true, and not counted, when it is too much."""
        with self._lock:
            now = self._clock()
            even = max(now, self._even.get(subject, now)) + count / self.per_second
            if even - now > self._burst:
                return True
            self._remember(subject, even)
            return False

    def behind(self, subject: Hashable, count: int) -> bool:
        """Count what a subject sends whether it is too much or not; true while it is, and until it has slowed down."""
        with self._lock:
            now = self._clock()
            even = max(now, self._even.get(subject, now)) + count / self.per_second
            # Not without end: whoever has sent too much for an hour is forgiven after twice the burst.
            self._remember(subject, min(even, now + 2 * self._burst))
            return even - now > self._burst

    def _remember(self, subject: Hashable, even: float) -> None:
        self._even[subject] = even
        self._even.move_to_end(subject)
        if len(self._even) > MOST_SUBJECTS:
            self._even.popitem(last=False)
