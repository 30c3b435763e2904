"""What a worker process holds of one queue: fetched and not yet settled in Redis."""

import threading
from collections.abc import Collection, Iterable


class Ledger:
    """Knows, for one queue, which messages are in hand and which are done; threads share it.

    It outlives connections and consumers, so after any fault the ack set in Redis can be compared
    with what is really in hand.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[bytes] = set()
        self._settled: set[bytes] = set()
        self._room = threading.Event()
        self._mark = 0
        self.unsure = True

    @property
    def held(self) -> int:
        """Count the messages in hand."""
        return len(self._held)

    def take(self, message_ids: Iterable[bytes]) -> None:
        """Note that messages were fetched."""
        with self._lock:
            self._held.update(message_ids)

    def settle(self, message_ids: Collection[bytes]) -> bool:
        """Note that messages are done; true if they are the first that wait to be told to Redis."""
        with self._lock:
            first = not self._settled
            self._held.difference_update(message_ids)
            self._settled.update(message_ids)
            enough_room = len(self._held) <= self._mark
        if enough_room:
            self._room.set()
        return first

    def release(self, message_ids: Iterable[bytes]) -> None:
        """Note that messages are no longer in hand though they are not done."""
        with self._lock:
            self._held.difference_update(message_ids)
            self.unsure = True
        self._room.set()

    def settled(self) -> list[bytes]:
        """Give the messages that are done and that Redis may not know of."""
        with self._lock:
            return list(self._settled)

    def told(self, message_ids: Iterable[bytes]) -> None:
        """Note that Redis knows these to be done."""
        with self._lock:
            self._settled.difference_update(message_ids)

    def strays(self, unsettled: Iterable[bytes]) -> list[bytes]:
        """Of the ids that Redis counts as ours, give those that nobody here has in hand."""
        with self._lock:
            known = self._held | self._settled
        return [message_id for message_id in unsettled if message_id not in known]

    def wait_for_room(self, window: int, seconds: float) -> int:
        """Wait until a quarter of the window is free; give back how many more messages fit, or 0."""
        # Less than a quarter is not worth a fetch, and whoever looks again at once keeps the threads from their work.
        enough = max(1, window // 4)
        self._mark = window - enough
        self._room.clear()
        if len(self._held) > self._mark:
            self._room.wait(seconds)
        room = window - len(self._held)
        return room if room >= enough else 0
