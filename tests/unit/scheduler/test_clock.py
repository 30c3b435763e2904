"""A tick that cannot be sent keeps no other from going."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from producers import QueueFull
from producers.broker import Sealed
from producers.producer import Producer
from scheduler.clock import Clock
from scheduler.timetable import TIMETABLE
from tests.acceptance.processes import wait_until

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class OneQueueIsFull:
    """Takes messages for all queues but one."""

    def __init__(self, full: str) -> None:
        self.full = full
        self.queues: set[str] = set()

    def enqueue(self, sealed: Sequence[Sealed], *, durable: bool) -> None:
        """Refuse what is for the full queue."""
        del durable
        for queue, _, _ in sealed:
            if queue == self.full:
                raise QueueFull(queue)
            self.queues.add(queue)

    def close(self) -> None:
        """Have nothing to close."""


def test_a_full_queue_delays_only_its_own_ticks() -> None:
    transport = OneQueueIsFull("instances")
    clock = Clock(Producer(transport))
    clock.start(catch_up=timedelta(days=2), now=NOON)
    expected = {entry.contract.queue.value for entry in TIMETABLE} - {"instances"}
    wait_until(lambda: transport.queues == expected, 30)
    clock.stop()
