"""Calls of the protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.page import Mark, Window
from db.recording import Facts, record, recording
from db.statement import Driver, Statement, from_text

_FIELDS: Final = "id, tenant_id, user_id, method, request_id, success, duration_ms, error_code, timestamp"
_BEFORE: Final = """timestamp >= :since AND timestamp < :until
               AND timestamp <= :before_at AND (timestamp, id) < (:before_at, :before_id)"""


def _calls(name: str, condition: str, order: str = "timestamp DESC, id DESC") -> Statement:
    return from_text(
        f"calls.{name}",
        """
        SELECT $fields FROM gateway.fastmcp_audit_log WHERE $condition AND $before
         ORDER BY $order LIMIT CAST(:limit AS integer)         """,
        fields=_FIELDS,
        condition=condition,
        before=_BEFORE,
        order=order,
        anew=True,
    )


_OF_USER: Final = _calls("of_user", "user_id = :user_id AND tenant_id = :tenant_id")
_FAILURES: Final = _calls("failures", "method = :method AND success = false")
_SLOWEST: Final = _calls("slowest", "tenant_id = :tenant_id", "duration_ms DESC, timestamp")
_TABLE: Final = "gateway.fastmcp_audit_log"
_RECORD: Final = recording(
    "calls.record",
    _TABLE,
    id="uuid",
    tenant_id="text",
    user_id="text",
    user_roles="jsonb",
    method="text",
    params="jsonb",
    request_id="text",
    success="boolean",
    duration_ms="integer",
    error_code="integer",
    error_message="text",
    timestamp="timestamptz",
)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method; the duration is in milliseconds."""

    id: UUID
    tenant_id: str | None
    user_id: str
    method: str
    request_id: str | None
    success: bool
    duration_ms: int
    error_code: int | None
    timestamp: datetime


class Calls:
    """Append-only; operators may ask for all tenants' failures of one method."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def record(self, rows: Sequence[Facts]) -> None:
        """Store calls."""
        record(self._driver, _RECORD, rows, table=_TABLE, dated="timestamp")

    def of_user(
        self, tenant_id: str, user_id: str, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[Call]:
        """Return the calls of a tenant's user, newest first: pass the mark of the last of a page to get the next."""
        return self._calls(_OF_USER, tenant_id=tenant_id, user_id=user_id, **window.values(before, limit))

    def failures(self, method: str, window: Window, *, before: Mark | None = None, limit: int = 100) -> list[Call]:
        """Return calls of a method that failed, newest first."""
        return self._calls(_FAILURES, method=method, **window.values(before, limit))

    def slowest(self, tenant_id: str, window: Window, *, limit: int = 20) -> list[Call]:
        """Return the calls of a tenant that took longest."""
        return self._calls(_SLOWEST, tenant_id=tenant_id, **window.values(None, limit))

    def _calls(self, statement: Statement, **values: object) -> list[Call]:
        return [Call(*row) for row in statement.run(self._driver, **values)]
