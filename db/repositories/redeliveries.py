"""Messages that are not finished yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from db.models import RedeliveryRow
from db.statement import Driver, Statement, from_file
from db.storable import storable

_BEGIN: Final = Statement(
    "redeliveries.begin",
    # The distant due_at is a net: if Redis forgets the suspect while its process dies, the relay still knows it.
    text(
        """
        INSERT INTO redeliveries AS r (message_id, queue, wire_name, envelope, state, deliveries, due_at)
        VALUES (:message_id, :queue, :wire_name, :envelope, 'suspect',
                2, now() + interval '15 minutes')
        ON CONFLICT (message_id) DO UPDATE
           SET deliveries = greatest(r.deliveries, 1) + 1, due_at = excluded.due_at
        RETURNING deliveries
        """
    ),
)
_new = insert(RedeliveryRow).values(
    {
        name: bindparam(name)
        for name in ("message_id", "queue", "wire_name", "envelope", "state", "attempts", "due_at", "error")
    }
)
_POSTPONE: Final = Statement(
    "redeliveries.postpone",
    _new.on_conflict_do_update(
        index_elements=[RedeliveryRow.message_id],
        set_={
            name: _new.excluded[name]
            for name in ("queue", "wire_name", "envelope", "state", "attempts", "due_at", "error")
        },
    ),
)
_ATTEMPTS: Final = Statement(
    "redeliveries.attempts", select(RedeliveryRow.attempts).where(RedeliveryRow.message_id == bindparam("message_id"))
)
_SETTLE: Final = Statement(
    "redeliveries.settle", delete(RedeliveryRow).where(RedeliveryRow.message_id == bindparam("message_id"))
)
_COUNTS: Final = Statement(
    "redeliveries.counts",
    select(RedeliveryRow.state, func.count()).group_by(RedeliveryRow.state).order_by(RedeliveryRow.state),
)
_DUE: Final = from_file("redeliveries.due")


@dataclass(frozen=True, slots=True)
class Redelivery:
    """A message that is to go back to its queue; ``deliveries`` counts those that its worker may have died of."""

    message_id: UUID
    queue: str
    wire_name: str
    envelope: str
    attempts: int
    deliveries: int


class Redeliveries:
    """What is put by in PostgreSQL, so that a Redis that forgot loses nothing."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def begin(self, message_id: UUID, *, queue: str, wire_name: str, envelope: str) -> int:
        """Count the start of a message whose first start a process may have died of; return how many that makes."""
        cursor = _BEGIN.run(
            self._driver,
            message_id=message_id,
            queue=queue,
            wire_name=wire_name,
            envelope=storable(envelope),
        )
        return int(cursor.fetchall()[0][0])

    def postpone(
        self,
        message_id: UUID,
        *,
        queue: str,
        wire_name: str,
        envelope: str,
        state: str,
        attempts: int,
        due_at: datetime | None,
        error: str | None,
    ) -> None:
        """Put a message by: 'retry' or 'delayed' until `due_at`, 'parked' without one until a worker knows it."""
        _POSTPONE.run(
            self._driver,
            message_id=message_id,
            queue=queue,
            wire_name=wire_name,
            envelope=storable(envelope),
            state=state,
            attempts=attempts,
            due_at=due_at,
            error=None if error is None else storable(error),
        )

    def attempts(self, message_id: UUID) -> int:
        """Return how often applying a message has failed."""
        row = _ATTEMPTS.run(self._driver, message_id=message_id).fetchone()
        return int(row[0]) if row else 0

    def due(self, *, wire_names: Sequence[str], limit: int, lease_seconds: float) -> list[Redelivery]:
        """Take messages whose time has come, and parked ones now known; others leave them alone for the lease."""
        cursor = _DUE.run(self._driver, wire_names=list(wire_names), limit=limit, lease_seconds=lease_seconds)
        return [Redelivery(*row) for row in cursor]

    def settle(self, message_id: UUID) -> None:
        """Forget a message that is finished."""
        _SETTLE.run(self._driver, message_id=message_id)

    def counts(self) -> dict[str, int]:
        """Return how many messages are in each state."""
        return {state: int(count) for state, count in _COUNTS.run(self._driver)}
