"""The relay: takes messages of other services out of the outbox and sends them until the inbox has them."""

import logging
import random
import threading
from collections.abc import Sequence
from itertools import compress
from typing import Final

from redis.exceptions import RedisError

from db.engine import Database
from db.errors import DatabaseError, DatabaseUnavailable
from db.repositories.outbox import Taken
from producers.broker import Transport
from producers.envelope import seal_unread
from producers.errors import ProducerError

from .broker import HardenedBroker

log: Final = logging.getLogger(__name__)

BUSY_SECONDS: Final = (0.1, 0.2)
IDLE_SECONDS: Final = (0.7, 1.3)
BATCH: Final = 500

MOST_WAITING: Final = 20_000
"""Messages of one queue in Redis above which its others wait in PostgreSQL, which has more room."""


class Relay(threading.Thread):
    """One thread of each worker process; a row that one has in hand the others pass over."""

    def __init__(
        self, broker: HardenedBroker, database: Database, transport: Transport, *, most_waiting: int = MOST_WAITING
    ) -> None:
        super().__init__(name="relay", daemon=True)
        self._broker = broker
        self._database = database
        self._transport = transport
        self._most_waiting = most_waiting
        self._stopping = threading.Event()
        self._complaint = ""

    def run(self) -> None:
        """Step again and again until stopped; asking costs less than a NOTIFY, for which all commits queue up."""
        seconds = IDLE_SECONDS
        while not self._stopping.wait(random.uniform(*seconds)):  # noqa: S311  jitter, not a secret
            seconds = BUSY_SECONDS if self.step() else IDLE_SECONDS

    def step(self) -> int:
        """Send what is due and say how many rows were looked at; what is away is tried again at the next step."""
        try:
            looked_at = self.relay()
        except (RedisError, ProducerError, DatabaseError) as error:
            self._complain(error)
            return 0
        self._complaint = ""
        return looked_at

    def relay(self) -> int:
        """Send what is due to each queue that has room; says how many rows were looked at."""
        with self._database.transaction() as uow:
            queues = uow.outbox.queues()
        return sum(map(self._relay_queue, queues))

    def stop(self) -> None:
        """End the thread after its present batch."""
        self._stopping.set()
        if self.is_alive():
            self.join(10)

    def _relay_queue(self, queue: str) -> int:
        looked_at = BATCH
        total = 0
        while looked_at == BATCH and not self._stopping.is_set() and self._broker.waiting(queue) < self._most_waiting:
            looked_at = self._relay_batch(queue)
            total += looked_at
        return total

    def _relay_batch(self, queue: str) -> int:
        """Send a batch while its rows are held, so that they are free again when this process dies."""
        with self._database.transaction() as uow:
            taken = uow.outbox.take(queue, limit=BATCH)
            unsettled = [row for row in taken if row.state != "settled"]
            missing = self._missing(queue, unsettled)
            self._send(queue, missing)
            sent = {row.message_id for row in missing}
            uow.outbox.put_off({row.message_id: row.message_id in sent for row in unsettled})
        return len(taken)

    def _missing(self, queue: str, unsettled: Sequence[Taken]) -> list[Taken]:
        """Tell which messages Redis has to get: new ones, and those that it has forgotten."""
        earlier = [row.message_id for row in unsettled if row.state == "sent"]
        are_lacked = self._broker.lacks([(queue, str(message_id)) for message_id in earlier])
        forgotten = set(compress(earlier, are_lacked))
        if forgotten:
            log.info("Redis has forgotten %d messages of the outbox, they are sent again", len(forgotten))
        return [row for row in unsettled if row.state == "new" or row.message_id in forgotten]

    def _send(self, queue: str, missing: Sequence[Taken]) -> None:
        sealed = [
            (
                queue,
                str(row.message_id),
                seal_unread(row.payload, message_id=row.message_id, queue=queue, wire_name=row.wire_name),
            )
            for row in missing
        ]
        self._transport.enqueue(sealed, durable=False)

    def _complain(self, error: Exception) -> None:
        """Say once that nothing is sent, and why; an outage of the database is told by whoever waits for its end."""
        is_news = type(error).__name__ != self._complaint and not isinstance(error, DatabaseUnavailable)
        log.log(logging.WARNING if is_news else logging.DEBUG, "the outbox waits, it is tried again: %s", error)
        self._complaint = type(error).__name__
