"""The audit trail of changes, and who did what through the gateway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import text

from db.errors import telling_times
from db.page import Mark, Window
from db.recording import Facts, record, recording
from db.statement import Driver, Statement, from_text
from db.storable import storable, storable_json

OWNER: Final = "owner"
"""Acts who owns the row that is changed, whoever that is."""

Verb = Literal["INSERT", "UPDATE", "DELETE"]

_APPEND: Final = Statement(
    "audit.append",
    text(
        """
        INSERT INTO audit_log (id, table_name, record_id, action, old_data, new_data, user_id, ip_address, created_at)
        VALUES (:change_id, :table_name, :record_id, :action, CAST(:old_data AS jsonb), CAST(:new_data AS jsonb),
                :user_id, CAST(:ip_address AS inet), :created_at)
        ON CONFLICT DO NOTHING
        """
    ),
)
_ACT: Final = Statement(
    "audit.act",
    text(
        "SELECT set_config('app.actor_id', coalesce(CAST(:user_id AS text), ''), true),"
        " set_config('app.actor_address', coalesce(CAST(:ip_address AS text), ''), true)"
    ),
)
_CHANGE: Final = "id, table_name, record_id, action, created_at, old_data, new_data, user_id, host(ip_address)"
_ACTION: Final = "id, tenant_id, user_id, action, resource_type, resource_id, success, timestamp, request_id"


def _changes(name: str, condition: str) -> Statement:
    return from_text(
        f"audit.{name}",
        """
        SELECT $change FROM audit_log
         WHERE $condition AND created_at >= :since AND created_at < :until
           AND created_at <= :before_at AND (created_at, id) < (:before_at, :before_id)
         ORDER BY created_at DESC, id DESC LIMIT CAST(:limit AS integer)
        """,
        change=_CHANGE,
        condition=condition,
        anew=True,
    )


def _actions(name: str, condition: str) -> Statement:
    return from_text(
        f"audit.{name}",
        """
        SELECT $action FROM gateway.audit_logs
         WHERE $condition AND timestamp >= :since AND timestamp < :until
           AND timestamp <= :before_at AND (timestamp, id) < (:before_at, :before_id)
         ORDER BY timestamp DESC, id DESC LIMIT CAST(:limit AS integer)         """,
        action=_ACTION,
        condition=condition,
        anew=True,
    )


_OF_RECORD: Final = _changes("of_record", "table_name = :table_name AND record_id = :record_id")
_BY_USER: Final = _changes("by_user", "user_id = :user_id")
_LATEST: Final = _changes("latest", "true")
_OF_TENANT: Final = _actions("of_tenant", "tenant_id = :tenant_id")
_ON: Final = _actions(
    "on_resource",
    "tenant_id = :tenant_id AND action = :action AND resource_type = :resource_type AND resource_id = :resource_id",
)
_FAILURES: Final = _actions("failures_of", "user_id = :user_id AND success = false")
_ACCESS: Final = _actions(
    "access_by", "user_id = :user_id AND action = :action AND resource_type = :resource_type AND success = :success"
)
_ACTIONS: Final = "gateway.audit_logs"
_RECORD: Final = recording(
    "audit.record",
    _ACTIONS,
    id="uuid",
    tenant_id="text",
    user_id="uuid",
    service_name="text",
    action="text",
    resource_type="text",
    resource_id="text",
    timestamp="timestamptz",
    details="jsonb",
    request_id="text",
    ip_address="inet",
    user_agent="text",
    success="boolean",
    error_message="text",
)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a row: what changed as it was and as it became, without secrets."""

    id: UUID
    table_name: str
    record_id: str
    action: Verb
    created_at: datetime
    old_data: Mapping[str, object] | None = None
    new_data: Mapping[str, object] | None = None
    user_id: UUID | None = None
    ip_address: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """Something that somebody did through the gateway."""

    id: UUID
    tenant_id: str | None
    user_id: UUID | None
    action: str
    resource_type: str
    resource_id: str | None
    success: bool
    timestamp: datetime
    request_id: str | None


class Audit:
    """Append-only; a page goes from the newest back, and the mark of its last row gives the next."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def append(self, change: Change) -> bool:
        """Write a change down; False if it was there already, for its id is the same on every delivery."""
        with telling_times("audit_log", [change.created_at]):
            cursor = _APPEND.run(
                self._driver,
                change_id=change.id,
                table_name=change.table_name,
                record_id=storable(change.record_id),
                action=change.action,
                old_data=_json(change.old_data),
                new_data=_json(change.new_data),
                user_id=change.user_id,
                ip_address=change.ip_address,
                created_at=change.created_at,
            )
        return cursor.rowcount == 1

    def record(self, rows: Sequence[Facts]) -> None:
        """Write down what was done through the gateway."""
        record(self._driver, _RECORD, rows, table=_ACTIONS, dated="timestamp")

    def act(self, user_id: UUID | Literal["owner"] | None, ip_address: str | None = None) -> None:
        """Say on whose behalf the transaction changes what it changes from here on; None for the system itself."""
        _ACT.run(self._driver, user_id=user_id, ip_address=ip_address)

    def of_record(
        self, table: str, record_id: str, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[Change]:
        """Return the changes of a row."""
        return self._changes(_OF_RECORD, table_name=table, record_id=record_id, **window.values(before, limit))

    def by_user(self, user_id: UUID, window: Window, *, before: Mark | None = None, limit: int = 100) -> list[Change]:
        """Return the changes that a user made."""
        return self._changes(_BY_USER, user_id=user_id, **window.values(before, limit))

    def latest(self, window: Window, *, before: Mark | None = None, limit: int = 100) -> list[Change]:
        """Return the changes of all tables, for operators."""
        return self._changes(_LATEST, **window.values(before, limit))

    def of_tenant(
        self, tenant_id: str, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[Action]:
        """Return what was done in a tenant."""
        return self._actions(_OF_TENANT, tenant_id=tenant_id, **window.values(before, limit))

    def on_resource(
        self, tenant_id: str, action: str, resource_type: str, resource_id: str, window: Window
    ) -> list[Action]:
        """Return who of a tenant did one thing to one resource, the newest hundred times."""
        what = {"action": action, "resource_type": resource_type, "resource_id": resource_id}
        return self._actions(_ON, tenant_id=tenant_id, **what, **window.values(None, 100))

    def failures_of(
        self, user_id: UUID, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[Action]:
        """Return what a user tried in vain."""
        return self._actions(_FAILURES, user_id=user_id, **window.values(before, limit))

    def access_by(
        self, user_id: UUID, action: str, resource_type: str, window: Window, *, success: bool = True
    ) -> list[Action]:
        """Return how a user used one right, the newest hundred times."""
        what = {"user_id": user_id, "action": action, "resource_type": resource_type, "success": success}
        return self._actions(_ACCESS, **what, **window.values(None, 100))

    def _changes(self, statement: Statement, **values: object) -> list[Change]:
        return [Change(*row) for row in statement.run(self._driver, **values)]

    def _actions(self, statement: Statement, **values: object) -> list[Action]:
        return [Action(*row) for row in statement.run(self._driver, **values)]


def _json(data: Mapping[str, object] | None) -> str | None:
    return None if data is None else storable_json(dict(data))
