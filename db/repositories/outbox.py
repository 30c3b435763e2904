"""Messages that are sent with the transaction that made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement
from db.storable import storable_json

_ENQUEUE: Final = Statement(
    "outbox.enqueue",
    # Whose message it is comes from the transaction's own context; row level security refuses any other answer.
    text(
        """
        INSERT INTO outbox (message_id, queue, wire_name, payload, due_at)
        VALUES (:message_id, :queue, :wire_name, CAST(:payload AS jsonb), coalesce(CAST(:due_at AS timestamptz), now()))
        """
    ),
)
_DUE: Final = Statement(
    "outbox.due",
    text(
        """
        SELECT message_id, queue, wire_name, payload, attempts FROM outbox
         WHERE due_at <= now() ORDER BY due_at, message_id LIMIT CAST(:limit AS integer)
        """
    ),
)
_LAG: Final = Statement("outbox.lag", text("SELECT now() - min(due_at) FROM outbox WHERE due_at <= now()"))


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that is to be sent."""

    message_id: UUID
    queue: str
    wire_name: str
    payload: dict[str, object]
    attempts: int


class Outbox:
    """Messages of services that share this database, until the inbox has them."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def enqueue(
        self,
        message_id: UUID,
        *,
        queue: str,
        wire_name: str,
        payload: Mapping[str, object],
        due_at: datetime | None = None,
    ) -> None:
        """Have a message sent once this transaction commits, or not before `due_at`; for producers' logins.

        The transaction says first for whom it works: `app.user_id`, `app.tenant_id` or both.
        """
        written = storable_json(dict(payload))
        _ENQUEUE.run(
            self._driver, message_id=message_id, queue=queue, wire_name=wire_name, payload=written, due_at=due_at
        )

    def due(self, *, limit: int = 500) -> list[Unsent]:
        """Return messages whose time has come, the longest due first."""
        return [Unsent(*row) for row in _DUE.run(self._driver, limit=limit)]

    def lag(self) -> timedelta:
        """Return for how long the oldest message has been due."""
        row = _LAG.run(self._driver).fetchone()
        return (row and row[0]) or timedelta()
