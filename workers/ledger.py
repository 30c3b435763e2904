"""What a worker process holds of one queue: fetched and not yet settled in Redis."""

import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

MOST_BYTES: Final = 8 * 1024 * 1024
"""Envelopes of one queue that a process holds at most, so that large messages do not cost it its life."""

_BYTES_MARK: Final = MOST_BYTES - MOST_BYTES // 4


class Room(NamedTuple):
    """How much more may be fetched."""

    messages: int
    bytes: int


class Ledger:
    """Knows, for one queue, which messages are in hand and which are done; threads share it.

    It outlives connections and consumers, so after any fault the ack set in Redis can be compared
    with what is really in hand.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[bytes, int] = {}
        self._bytes = 0
        self._settled: set[bytes] = set()
        self._room = threading.Event()
        self._mark = 0
        self.unsure = True

    @property
    def held(self) -> int:
        """Count the messages in hand."""
        return len(self._held)

    def held_of(self, message_ids: Collection[bytes]) -> set[bytes]:
        """Give those of the messages that are in hand."""
        with self._lock:
            return self._held.keys() & message_ids

    def take(self, sizes: Mapping[bytes, int]) -> None:
        """Note that messages of so many bytes were fetched."""
        with self._lock:
            self._drop(sizes)
            self._held.update(sizes)
            self._bytes += sum(sizes.values())

    def settle(self, message_ids: Collection[bytes]) -> bool:
        """Note that messages are done; true if they are the first that wait to be told to Redis."""
        with self._lock:
            first = not self._settled
            self._drop(message_ids)
            self._settled.update(message_ids)
            enough_room = self._enough_room()
        if enough_room:
            self._room.set()
        return first

    def release(self, message_ids: Iterable[bytes]) -> None:
        """Note that messages are no longer in hand though they are not done."""
        with self._lock:
            self._drop(message_ids)
            self.unsure = True
        self._room.set()

    def settled(self) -> list[bytes]:
        """Give the messages that are done and that Redis may not know of."""
        with self._lock:
            return list(self._settled)

    def told(self, message_ids: Iterable[bytes]) -> bool:
        """Note that Redis knows these to be done; true if others were done meanwhile."""
        with self._lock:
            self._settled.difference_update(message_ids)
            return bool(self._settled)

    def strays(self, unsettled: Iterable[bytes]) -> list[bytes]:
        """Of the ids that Redis counts as ours, give those that nobody here has in hand."""
        with self._lock:
            known = self._held.keys() | self._settled
        return [message_id for message_id in unsettled if message_id not in known]

    def wait_for_room(self, window: int, seconds: float) -> Room | None:
        """Wait until a quarter of the window is free; give back how much more fits, or nothing."""
        # Less than a quarter is not worth a fetch, and whoever looks again at once keeps the threads from their work.
        self._mark = window - max(1, window // 4)
        self._room.clear()
        if not self._enough_room():
            self._room.wait(seconds)
        return Room(window - len(self._held), MOST_BYTES - self._bytes) if self._enough_room() else None

    def _enough_room(self) -> bool:
        return len(self._held) <= self._mark and self._bytes <= _BYTES_MARK

    def _drop(self, message_ids: Iterable[bytes]) -> None:
        for message_id in message_ids:
            self._bytes -= self._held.pop(message_id, 0)
