"""Dramatiq's Redis broker, kept from losing, stranding and doubling messages.

The keys are Dramatiq's own, so its tools and any Dramatiq producer work with them; the commands
are ours: they use the clock of Redis, may run when Redis is out of memory, and settle and fetch in
one round trip.  ``docs/decisions`` says which fault each of them answers.
"""

import logging
import threading
from collections.abc import Collection, Sequence
from importlib import resources
from typing import Any, Final, cast
from uuid import uuid4

import redis
from dramatiq import Actor, Broker, MessageProxy, Middleware
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import q_name
from redis.commands.core import Script
from redis.exceptions import OutOfMemoryError, RedisError

from producers.envelope import NAMESPACE

from .consumer import HANDED_BACK, QueueConsumer
from .delivery import Delivery
from .grouping import Fetched, Grouping
from .ledger import MOST_BYTES, Ledger

log: Final = logging.getLogger(__name__)

SILENCE_MS: Final = 6_000
"""A worker that has not been heard of for so long is dead."""

WINDOW: Final = 512
"""Messages of one queue that a process holds at most, unless its queue has a smaller window."""

UNKNOWN_ACTOR: Final = "unknown"


class HandBack(Middleware):
    """Gives messages back when their actor raised: only a return means that they are done."""

    def after_process_message(
        self,
        broker: Broker,
        message: MessageProxy,
        *,
        result: object = None,
        exception: BaseException | None = None,
    ) -> None:
        """Mark what is not to be acknowledged: what the exception names, or all that came together."""
        del broker, result
        if exception is not None:
            message.options[HANDED_BACK] = getattr(exception, "deliveries", ()) or message.args
            message.fail()


class HardenedBroker(RedisBroker):
    """One per worker process.

    Messages of the wire names in ``slow`` wait for others than the database: a process has at most ``most_slow`` of a
    queue in hand.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        silence_ms: int = SILENCE_MS,
        windows: dict[str, int] | None = None,
        grouping: Grouping | None = None,
        slow: Collection[str] = (),
        most_slow: int = 1,
    ) -> None:
        # Dramatiq's own class is not typed.
        super().__init__(client=client, namespace=NAMESPACE, middleware=[HandBack()], maintenance_chance=0)  # type: ignore[no-untyped-call]  # see above
        self.worker_id = str(uuid4())
        self.settled = threading.Event()
        self.stopping = threading.Event()
        self._silence_ms = silence_ms
        self._windows = windows or {}
        self.grouping = grouping or Grouping()
        self.slow, self.most_slow = frozenset(slow), most_slow
        self._ledgers: dict[str, Ledger] = {}
        self._exchange = self._script("exchange")
        self._hand_back = self._script("hand_back")
        self._beat = self._script("beat")
        self._recover = self._script("recover")

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> QueueConsumer:
        """Make the consumer of a queue."""
        del prefetch, timeout
        return QueueConsumer(self, queue_name, self._windows.get(q_name(queue_name), WINDOW))

    def get_actor(self, actor_name: str) -> "Actor[Any, Any]":
        """Give the actor of a wire name, or the one that parks what nobody here knows."""
        return self.actors.get(actor_name) or self.actors[UNKNOWN_ACTOR]

    def ledger(self, queue: str) -> Ledger:
        """Give the ledger of a queue; it stays the same for the life of the process."""
        return self._ledgers.setdefault(queue, Ledger())

    def exchange(self, queue: str, *, room: int, most_bytes: int = MOST_BYTES) -> list[Fetched]:
        """Tell Redis what is done and fetch what there is room for, one message at least, in one round trip."""
        ledger = self.ledger(queue)
        settled = ledger.settled()
        key = self._key(queue)
        keys = [key, f"{key}.msgs", self._acks(queue), f"{key}.deliveries", self._heartbeats]
        reply = cast("list[bytes]", self._exchange(keys=keys, args=[self.worker_id, room, most_bytes, *settled]))
        if ledger.told(settled):
            self.settled.set()
        fetched = [
            (redis_id, Delivery.unpack(queue, _shown(redis_id), raw, int(count)))
            for redis_id, raw, count in zip(reply[::3], reply[1::3], reply[2::3], strict=True)
        ]
        # What was compressed takes its room as it is held.
        ledger.take({redis_id: len(delivery.raw) for redis_id, delivery in fetched})
        return fetched

    def hand_back_strays(self, queue: str) -> None:
        """Put back what Redis counts as ours and nobody here has in hand."""
        ledger = self.ledger(queue)
        ledger.unsure = False
        held = cast("set[bytes]", self.client.smembers(self._acks(queue)))
        strays = ledger.strays(held)
        if strays:
            key = self._key(queue)
            self._hand_back(keys=[key, f"{key}.msgs", self._acks(queue)], args=strays)

    def wait_for_message(self, queue: str, seconds: float) -> bool:
        """Wait until the queue is not empty, by moving its head to where it is; False if it stayed empty."""
        key = self._key(queue)
        try:
            return self.client.blmove(key, key, cast("int", seconds), "LEFT", "LEFT") is not None
        except OutOfMemoryError:
            threading.Event().wait(seconds / 10)
            return True

    def beat(self) -> None:
        """Say that this worker is alive; a Redis that has forgotten everything learns its queues again."""
        queues = sorted(self.queues | self.delay_queues)
        self._beat(keys=[self._heartbeats, self._known_queues], args=[self.worker_id, *queues])

    def report_settled(self) -> None:
        """Tell Redis what is done and was not told with a fetch."""
        self.settled.clear()
        for queue, ledger in list(self._ledgers.items()):
            if ledger.settled():
                self.exchange(queue, room=0)

    def waiting(self, queue: str) -> int:
        """Tell how many messages of a queue Redis holds, queued or in hand."""
        return cast("int", self.client.hlen(f"{self._key(queue)}.msgs"))

    def lacks(self, messages: Sequence[tuple[str, str]]) -> list[bool]:
        """Tell of each message, by queue and id, whether Redis has no copy of it, neither queued nor in hand."""
        with self.client.pipeline(transaction=False) as pipeline:
            for queue, message_id in messages:
                pipeline.hexists(f"{self._key(queue)}.msgs", message_id)
            return [not has for has in pipeline.execute()]

    def recover(self) -> dict[str, int]:
        """Give back the messages of dead workers; says how many each of them held."""
        keys = [self._heartbeats, self._known_queues, f"{self.namespace}:__looked__"]
        reply = cast("list[Any]", self._recover(keys=keys, args=[self.namespace, self._silence_ms]))
        return {worker.decode(): int(count) for worker, count in zip(reply[::2], reply[1::2], strict=True)}

    def leave(self) -> None:
        """Take this worker off the list of the living, unless it still holds messages."""
        try:
            self.report_settled()
            if not any(self.client.exists(self._acks(queue)) for queue in self.queues | self.delay_queues):
                self.client.zrem(self._heartbeats, self.worker_id)
        except RedisError as error:
            log.warning("this worker leaves without saying so, it is found dead later: %s", error)

    def _script(self, name: str) -> Script:
        text = resources.files(__package__).joinpath(f"scripts/{name}.lua").read_text()
        return cast("Script", self.client.register_script(text))

    def _key(self, queue: str) -> str:
        return f"{self.namespace}:{queue}"

    def _acks(self, queue: str) -> str:
        return f"{self.namespace}:__acks__.{self.worker_id}.{queue}"

    @property
    def _heartbeats(self) -> str:
        return f"{self.namespace}:__heartbeats__"

    @property
    def _known_queues(self) -> str:
        return f"{self.namespace}:__queues__"


def _shown(redis_id: bytes) -> str:
    return redis_id.decode("utf-8", "replace")
