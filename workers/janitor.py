"""Finds the messages that dead workers held, and those that PostgreSQL has put by until now."""

import json
import logging
import threading
from collections.abc import Collection, Sequence
from typing import Final

from redis.exceptions import RedisError

from db.engine import Database
from db.errors import DatabaseError
from db.repositories.redeliveries import Redelivery
from producers.broker import Sealed, Transport
from producers.errors import ProducerError

from .broker import HardenedBroker

log: Final = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 1.0
_RELAY_LIMIT: Final = 500
_RELAY_LEASE_SECONDS: Final = 60.0


class Janitor(threading.Thread):
    """Each worker process has one; whichever comes first does the work, the others find none."""

    def __init__(
        self, broker: HardenedBroker, database: Database, transport: Transport, wire_names: Collection[str]
    ) -> None:
        super().__init__(name="janitor", daemon=True)
        self._broker = broker
        self._database = database
        self._transport = transport
        self._wire_names = sorted(wire_names)
        self._stopping = threading.Event()

    def run(self) -> None:
        """Step each second until stopped."""
        while not self._stopping.wait(PERIOD_SECONDS):
            self.step()

    def step(self) -> None:
        """Recover and relay once; a Redis or database that is away is tried again at the next step."""
        try:
            self.recover()
            # Many may be due at once, as after an outage: a batch in each step would make them wait for minutes.
            while self.relay() == _RELAY_LIMIT and not self._stopping.is_set():
                self._broker.beat()
        except (RedisError, ProducerError, DatabaseError) as error:
            log.debug("the janitor could not finish, it tries again: %s", error)

    def recover(self) -> int:
        """Give back the messages of workers that have fallen silent; says how many."""
        # After an outage the first to come back must not find itself dead.
        self._broker.beat()
        recovered = {worker_id: count for worker_id, count in self._broker.recover().items() if count}
        for worker_id, count in recovered.items():
            log.warning("worker %s fell silent: %d of its messages are delivered again", worker_id, count)
        return sum(recovered.values())

    def relay(self) -> int:
        """Send what is due again and tell how many were due, at most a batch.

        The rows stay until the messages are settled, so Redis may forget them.
        """
        with self._database.transaction() as uow:
            due = uow.redeliveries.due(
                wire_names=self._wire_names, limit=_RELAY_LIMIT, lease_seconds=_RELAY_LEASE_SECONDS
            )
        # What still waits in a long queue, or is in hand, needs no second copy.
        is_missing = self._broker.lacks([(row.queue, str(row.message_id)) for row in due])
        missing = [row for row, lacked in zip(due, is_missing, strict=True) if lacked]
        if missing:
            self._transport.enqueue(_sealed(missing), durable=False)
            log.info("%d messages are delivered again", len(missing))
        return len(due)

    def stop(self) -> None:
        """End the thread after its present step."""
        self._stopping.set()
        self.join(10)


def _sealed(due: Sequence[Redelivery]) -> list[Sealed]:
    return [(row.queue, str(row.message_id), _envelope(row)) for row in due]


def _envelope(row: Redelivery) -> bytes:
    envelope = json.loads(row.envelope)
    options = {"redis_message_id": str(row.message_id), "attempts": row.attempts, "deliveries": row.deliveries}
    return json.dumps({**envelope, "queue_name": row.queue, "options": options}).encode()
