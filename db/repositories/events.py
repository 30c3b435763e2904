"""What happened to instances."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.page import Mark, Window
from db.statement import Driver, Statement, from_text

_FIELDS: Final = "id, mcp_instance_id, user_id, event_type, event_data, created_at"


def _events(name: str, condition: str) -> Statement:
    return from_text(
        f"events.{name}",
        """
        SELECT $fields FROM mcp_events
         WHERE $condition AND created_at >= :since AND created_at < :until
           AND created_at <= :before_at AND (created_at, id) < (:before_at, :before_id)
         ORDER BY created_at DESC, id DESC LIMIT CAST(:limit AS integer)         """,
        fields=_FIELDS,
        condition=condition,
    )


_OF_INSTANCE: Final = _events("of_instance", "mcp_instance_id = :instance_id")
_OF_USER: Final = _events("of_user", "user_id = :user_id")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an instance, or was refused."""

    id: UUID
    instance_id: UUID
    user_id: UUID | None
    event_type: str
    event_data: dict[str, object]
    created_at: datetime


class Events:
    """Append-only, always asked for by instance or user."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def of_instance(
        self, instance_id: UUID, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[Event]:
        """Return what happened to an instance, newest first: pass the mark of the last of a page to get the next."""
        return self._events(_OF_INSTANCE, instance_id=instance_id, **window.values(before, limit))

    def of_user(self, user_id: UUID, window: Window, *, before: Mark | None = None, limit: int = 100) -> list[Event]:
        """Return what happened to a user's instances, newest first."""
        return self._events(_OF_USER, user_id=user_id, **window.values(before, limit))

    def _events(self, statement: Statement, **values: object) -> list[Event]:
        return [Event(*row) for row in statement.run(self._driver, **values)]
