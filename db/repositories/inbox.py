"""Which messages were applied or given up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, text
from sqlalchemy.dialects.postgresql import insert

from db.models import InboxEntry
from db.statement import Driver, Statement

_ENTER: Final = Statement(
    "inbox.claim",
    insert(InboxEntry)
    .values(message_id=bindparam("message_id"), wire_name=bindparam("wire_name"), outcome=bindparam("outcome"))
    # ON CONFLICT tells nothing through the row count; RETURNING does.
    .on_conflict_do_nothing()
    .returning(InboxEntry.outcome),
)
_CLAIM_ALL: Final = Statement(
    "inbox.claim_all",
    text(
        "INSERT INTO inbox (message_id, wire_name, outcome) SELECT id, name, 'applied'"
        # In order, so that two groups with the same messages do not wait for each other in a circle.
        " FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[])) AS given (id, name) ORDER BY id"
        " ON CONFLICT DO NOTHING RETURNING message_id"
    ),
)
_FORGET: Final = Statement(
    "inbox.forget",
    # What was applied must never be applied again, whoever asks for it.
    delete(InboxEntry).where(InboxEntry.message_id == bindparam("message_id"), text("outcome = 'dead'")),
)
_HORIZON: Final = Statement(
    "inbox.horizon",
    text(
        "SELECT retention_days FROM maintenance.data_retention_policies"
        " WHERE schema_name = 'public' AND table_name = 'inbox'"
    ),
)


class Inbox:
    """The ledger that makes the effect of a message happen once."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def claim(self, message_id: UUID, wire_name: str) -> bool:
        """Enter a message as applied; False if it was entered before.  A twin in flight is waited for."""
        return self._enter(message_id, wire_name, "applied")

    def claim_all(self, wire_names: Mapping[UUID, str]) -> set[UUID]:
        """Enter messages, by their ids, as applied; gives those that were not entered before."""
        cursor = _CLAIM_ALL.run(self._driver, ids=list(wire_names), names=list(wire_names.values()))
        return {message_id for (message_id,) in cursor.fetchall()}

    def bury(self, message_id: UUID, wire_name: str) -> bool:
        """Enter a message as given up; False if it was entered before."""
        return self._enter(message_id, wire_name, "dead")

    def forget(self, message_id: UUID) -> None:
        """Strike out a message that was given up, so that it may be applied; what was applied stays."""
        _FORGET.run(self._driver, message_id=message_id)

    def horizon(self) -> timedelta:
        """Return how far back entries are kept for sure: an older message may have been applied and forgotten."""
        row = _HORIZON.run(self._driver).fetchone()
        return timedelta(days=row[0] if row else 0)

    def _enter(self, message_id: UUID, wire_name: str, outcome: str) -> bool:
        cursor = _ENTER.run(self._driver, message_id=message_id, wire_name=wire_name, outcome=outcome)
        return cursor.fetchone() is not None
