"""Messages that are sent with the transaction that made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file, from_text

_QUEUES: Final = Statement(
    "outbox.queues",
    text(
        """
        SELECT q.queue FROM (SELECT DISTINCT queue FROM message_contracts) q
         WHERE EXISTS (SELECT FROM outbox o WHERE o.queue = q.queue AND o.due_at <= now()) ORDER BY q.queue
        """
    ),
)
_TAKE: Final = from_file("outbox.take", anew=True)
_PUT_OFF: Final = Statement(
    "outbox.put_off",
    # Twice as long after each sending; and what still waits in a long queue is looked at less often the longer it does.
    text(
        """
        UPDATE outbox o
           SET attempts = o.attempts + CAST(given.is_sent AS integer),
               sent_at = CASE WHEN given.is_sent THEN clock_timestamp() ELSE o.sent_at END,
               due_at = clock_timestamp() + least(
                   interval '1 minute',
                   greatest(make_interval(secs => 2 * 2 ^ least(o.attempts, 5)),
                            CASE WHEN NOT given.is_sent THEN clock_timestamp() - o.sent_at END))
          FROM unnest(CAST(:ids AS uuid[]), CAST(:are_sent AS boolean[])) AS given (message_id, is_sent)
         WHERE o.message_id = given.message_id
        """
    ),
)
_LAG: Final = Statement(
    "outbox.lag",
    text(
        """
        SELECT now() - min(o.due_at) FROM (SELECT DISTINCT queue FROM message_contracts) q
         CROSS JOIN LATERAL (SELECT due_at FROM outbox
                              WHERE queue = q.queue AND due_at <= now() ORDER BY due_at LIMIT 1) o
        """
    ),
)
_COUNTS: Final = Statement(
    "outbox.counts",
    text(
        """
        SELECT queue, count(*) FILTER (WHERE sent_at IS NULL), count(*) FILTER (WHERE sent_at IS NOT NULL),
               max(attempts), min(created_at), coalesce(greatest(now() - min(due_at), interval '0'), interval '0')
          FROM outbox GROUP BY queue ORDER BY queue
        """
    ),
)
_COLUMNS: Final = "message_id, queue, wire_name, attempts, created_at, due_at, sent_at, user_id, tenant_id"
_LIST: Final = from_text(
    "outbox.list",
    "SELECT $columns FROM outbox ORDER BY created_at, message_id LIMIT CAST(:limit AS integer)",
    columns=_COLUMNS,
)
_GET: Final = from_text(
    "outbox.get",
    "SELECT $columns, payload FROM outbox WHERE message_id = CAST(:message_id AS uuid)",
    columns=_COLUMNS,
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A message whose time had come: ``state`` is new, sent, put by or settled, and a settled one is gone."""

    message_id: UUID
    wire_name: str
    payload: str
    state: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A message that the inbox does not have yet."""

    message_id: UUID
    queue: str
    wire_name: str
    attempts: int
    created_at: datetime
    due_at: datetime
    sent_at: datetime | None
    user_id: UUID | None
    tenant_id: str | None
    payload: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages for a queue wait to be sent, how many to be settled, and for how long one has been due."""

    queue: str
    unsent: int
    sent: int
    most_attempts: int
    oldest_at: datetime
    late: timedelta


class Outbox:
    """Messages of services that share this database, until the inbox has them; `enqueue_message` is the way in."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def queues(self) -> list[str]:
        """Return the queues for which a message is due."""
        return [queue for (queue,) in _QUEUES.run(self._driver)]

    def take(self, queue: str, *, limit: int) -> list[Taken]:
        """Hold messages that are due, the longest first, and forget those that are settled; others take others."""
        return [Taken(*row) for row in _TAKE.run(self._driver, queue=queue, limit=limit)]

    def put_off(self, are_sent: Mapping[UUID, bool]) -> None:
        """Look at messages again in a while: those that were sent now, and those that need not be sent."""
        if are_sent:
            _PUT_OFF.run(self._driver, ids=list(are_sent), are_sent=list(are_sent.values()))

    def lag(self) -> timedelta:
        """Return for how long the oldest message has been due."""
        row = _LAG.run(self._driver).fetchone()
        return (row and row[0]) or timedelta()

    def counts(self) -> list[Waiting]:
        """Return what waits for each queue."""
        return [Waiting(*row) for row in _COUNTS.run(self._driver)]

    def list(self, *, limit: int) -> "list[Unsettled]":
        """Return what is not settled, the oldest first."""
        return [Unsettled(*row) for row in _LIST.run(self._driver, limit=limit)]

    def get(self, message_id: UUID) -> Unsettled | None:
        """Return a message with its payload, None when it is settled or was never here."""
        row = _GET.run(self._driver, message_id=message_id).fetchone()
        return None if row is None else Unsettled(*row)
