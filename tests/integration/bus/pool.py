"""A worker in this process with actors that only note what they were given."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import dramatiq
from dramatiq.worker import Worker

from producers.broker import redis_client
from workers.applier import HandedBackError
from workers.broker import UNKNOWN_ACTOR, HardenedBroker
from workers.delivery import Delivery
from workers.grouping import Grouping
from workers.heartbeat import Heartbeat

QUEUE = "instances"
WIRE_NAME = "instances.delete.v1"


class Notes:
    """What an actor was given, by message id; ``act`` is what else it does."""

    def __init__(self, act: Callable[[Delivery], None] | None = None) -> None:
        self.deliveries: Counter[str] = Counter()
        self.sizes: Counter[int] = Counter()
        self.problems: list[str] = []
        self._lock = threading.Lock()
        self._act = act

    def __call__(self, *deliveries: Delivery) -> None:
        """Note deliveries after acting on each; what could not be done is handed back."""
        for place, delivery in enumerate(deliveries):
            try:
                self._note(delivery)
            except HandedBackError:
                raise HandedBackError(deliveries[place:]) from None
        with self._lock:
            self.sizes[len(deliveries)] += 1

    def _note(self, delivery: Delivery) -> None:
        if self._act is not None:
            self._act(delivery)
        with self._lock:
            self.deliveries[delivery.message_id] += 1
            if delivery.problem:
                self.problems.append(delivery.problem)

    def wait_for(self, count: int, seconds: float = 15.0) -> None:
        """Return when so many different messages were noted, or fail."""
        deadline = time.monotonic() + seconds
        while len(self.deliveries) < count:
            assert time.monotonic() < deadline, f"{len(self.deliveries)} of {count} messages after {seconds} s"
            time.sleep(0.01)


@contextmanager
def worker(
    url: str,
    notes: Notes,
    *,
    threads: int = 2,
    window: int = 64,
    silence_ms: int = 6_000,
    grouping: Grouping | None = None,
    slow: Collection[str] = (),
    most_slow: int = 1,
) -> Iterator[HardenedBroker]:
    """Run a worker on the queue; in the end it stops as a process does on SIGTERM."""
    broker = HardenedBroker(
        redis_client(url),
        silence_ms=silence_ms,
        windows={QUEUE: window},
        grouping=grouping,
        slow=slow,
        most_slow=most_slow,
    )
    for name in (WIRE_NAME, UNKNOWN_ACTOR):
        dramatiq.actor(broker=broker, actor_name=name, queue_name=QUEUE)(notes)
    pool = Worker(broker, worker_threads=threads, worker_timeout=100)
    heartbeat = Heartbeat(broker)
    broker.beat()
    heartbeat.start()
    pool.start()
    try:
        yield broker
    finally:
        pool.stop(timeout=5_000)
        heartbeat.stop()
        broker.leave()
