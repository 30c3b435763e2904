"""People who are signed in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.statement import Driver, from_text

_FIELDS: Final = "s.id, s.user_id, s.is_active, s.last_activity, s.expires_at, s.session_data"
_FIND: Final = from_text(
    "sessions.find",
    """
    SELECT $fields, u.tenant_id, u.role::text
      FROM gateway.sessions s JOIN users u ON u.id = s.user_id AND u.is_active AND u.deleted_at IS NULL
     WHERE s.session_token_hash = :token_hash AND s.is_active AND s.expires_at > now()     """,
    fields=_FIELDS,
)
_OF_USER: Final = from_text(
    "sessions.of_user",
    """
    SELECT $fields FROM gateway.sessions s
     WHERE s.user_id = :user_id AND s.is_active AND s.expires_at > now() ORDER BY s.expires_at     """,
    fields=_FIELDS,
)
_LATEST: Final = from_text(
    "sessions.latest",
    """
    SELECT $fields FROM gateway.sessions s
     WHERE s.is_active = true AND s.last_activity <= :before AND (s.last_activity, s.id) < (:before, :before_id)
     ORDER BY s.last_activity DESC, s.id DESC LIMIT CAST(:limit AS integer)     """,
    fields=_FIELDS,
)
_OVER: Final = from_text(
    "sessions.over",
    """
    SELECT $fields FROM gateway.sessions s
     WHERE s.expires_at < now() ORDER BY s.expires_at LIMIT CAST(:limit AS integer)     """,
    fields=_FIELDS,
)


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session; of whom it is is told only when it is found by its token."""

    id: str
    user_id: UUID
    is_active: bool
    last_activity: datetime
    expires_at: datetime
    session_data: dict[str, object]
    tenant_id: str | None = None
    role: str | None = None


class Sessions:
    """Found by the hash of a token, which is all that is kept of it."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def find(self, token_hash: str) -> SessionState | None:
        """Return the session of a token with the tenant and the role of its user, unless it is over."""
        row = _FIND.run(self._driver, token_hash=token_hash).fetchone()
        return None if row is None else SessionState(*row)

    def of_user(self, user_id: UUID) -> list[SessionState]:
        """Return the sessions of a user that are not over, the next to end first."""
        return [SessionState(*row) for row in _OF_USER.run(self._driver, user_id=user_id)]

    def latest(self, before: datetime, before_id: str = "", *, limit: int = 100) -> list[SessionState]:
        """Return who was there last: pass the `last_activity` and the `id` of the last of a page to get the next."""
        cursor = _LATEST.run(self._driver, before=before, before_id=before_id, limit=limit)
        return [SessionState(*row) for row in cursor]

    def over(self, *, limit: int = 500) -> list[SessionState]:
        """Return sessions that may be tidied up, the longest over first."""
        return [SessionState(*row) for row in _OVER.run(self._driver, limit=limit)]
