"""Fetches the messages of one queue; a broken connection costs time and nothing else."""

import logging
import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from dramatiq import Consumer, Message, MessageProxy
from redis.exceptions import ReadOnlyError, RedisError

from .grouping import Fetched

if TYPE_CHECKING:
    from .broker import HardenedBroker

log: Final = logging.getLogger(__name__)

HANDED_BACK: Final = "handed_back"
"""The option of a message that names the deliveries of its group which are not done."""

_IDS: Final = "redis_message_ids"
_FULL_SECONDS: Final = 0.25
_IDLE_SECONDS: Final = 1.0
_OUTAGE_SECONDS: Final = 0.25
_STOPPING_SECONDS: Final = 0.05


class QueueConsumer(Consumer):
    """Keeps a window of messages in hand, sleeps only while there is nothing to do, never raises.

    Dramatiq restarts a consumer that raises and forgets what it held; this one stays, and compares
    its ledger with Redis after every fault.
    """

    def __init__(self, broker: "HardenedBroker", queue: str, window: int) -> None:
        self._broker = broker
        self._queue = queue
        self._window = window
        self._ledger = broker.ledger(queue)
        self._fetched: deque[MessageProxy] = deque()
        self._slow: set[bytes] = set()
        self._outage = False
        self._drained = False

    def __next__(self) -> MessageProxy | None:
        """Give the next group, or nothing when there was no message for a while."""
        if not self._fetched:
            self._guarded_fetch()
        return self._fetched.popleft() if self._fetched else None

    def ack(self, message: MessageProxy) -> None:
        """Note that a group is done; Redis is told together with the next fetch or heartbeat."""
        self._settle(message.options[_IDS])

    def nack(self, message: MessageProxy) -> None:
        """Give back what was not done, and somebody shall do it; note that the rest of its group is done."""
        handed_back = message.options.get(HANDED_BACK, message.args)
        back = [
            redis_id
            for redis_id, delivery in zip(message.options[_IDS], message.args, strict=True)
            if any(delivery is each for each in handed_back)
        ]
        self._settle(set(message.options[_IDS]) - set(back))
        self._ledger.release(back)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give back groups that nobody has begun."""
        self._ledger.release(redis_id for message in messages for redis_id in message.options[_IDS])

    def close(self) -> None:
        """Tell Redis what is done and give back what is not; what a fault leaves, the janitor finds."""
        self.requeue(self._fetched)
        self._fetched.clear()
        try:
            self._broker.exchange(self._queue, room=0)
            self._broker.hand_back_strays(self._queue)
        except RedisError as error:
            log.warning("messages of queue %s stay with this worker until it is found dead: %s", self._queue, error)

    def _settle(self, redis_ids: Collection[bytes]) -> None:
        if self._ledger.settle(redis_ids):
            self._broker.settled.set()

    def _guarded_fetch(self) -> None:
        try:
            self._fetch()
        except RedisError as error:
            self._ledger.unsure = True
            self._note_outage(error)
            time.sleep(_OUTAGE_SECONDS)
        except Exception:
            # Whatever it was, some messages may be ours by now without anybody having them in hand.
            self._ledger.unsure = True
            raise
        else:
            self._outage = False

    def _fetch(self) -> None:
        if self._ledger.unsure:
            self._broker.hand_back_strays(self._queue)
        if self._broker.stopping.is_set():
            time.sleep(_STOPPING_SECONDS)
            return
        room = self._ledger.wait_for_room(self._window_now(), _FULL_SECONDS)
        if room is None or (self._drained and not self._broker.wait_for_message(self._queue, _IDLE_SECONDS)):
            return
        deliveries = self._broker.exchange(self._queue, room=room.messages, most_bytes=room.bytes)
        try:
            self._fetched.extend([_proxy(group) for group in self._broker.grouping.split(self._kept(deliveries))])
        except Exception:
            self._ledger.release([redis_id for redis_id, _ in deliveries])
            raise
        self._drained = not deliveries

    def _window_now(self) -> int:
        """While slow messages are in hand no more is fetched than may wait for them."""
        self._slow = self._ledger.held_of(self._slow)
        return self._broker.most_slow if self._slow else self._window

    def _kept(self, fetched: Sequence[Fetched]) -> list[Fetched]:
        """Keep what came, but of slow messages no more than may be in hand; others can begin those now."""
        slow = [redis_id for redis_id, delivery in fetched if delivery.wire_name in self._broker.slow]
        kept = slow[: max(0, self._broker.most_slow - len(self._slow))]
        self._slow.update(kept)
        surplus = set(slow) - set(kept)
        if surplus:
            self._ledger.release(surplus)
        return [each for each in fetched if each[0] not in surplus]

    def _note_outage(self, error: RedisError) -> None:
        if not self._outage:
            log.warning("queue %s: Redis does not answer, waiting for it: %s", self._queue, error)
        self._outage = True
        if isinstance(error, ReadOnlyError):
            # A demoted primary keeps its connections; only a new one finds the new primary.
            self._broker.client.connection_pool.disconnect(inuse_connections=False)


def _proxy(group: Sequence[Fetched]) -> MessageProxy:
    first = group[0][1]
    message: Message[None] = Message(
        queue_name=first.queue,
        actor_name=first.wire_name,
        args=tuple(delivery for _, delivery in group),
        kwargs={},
        options={_IDS: [redis_id for redis_id, _ in group]},
        message_id=first.message_id,
        message_timestamp=0,
    )
    return MessageProxy(message)
