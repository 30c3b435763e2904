"""How the gateway routes and is set up, what is computed ahead, and what could not be stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement
from db.storable import storable_json

_RULES: Final = Statement(
    "gateway.rules",
    # Two branches, for an index that begins with the tenant serves each of them in the order of priorities.
    text(
        """
        SELECT id, tenant_id, name, conditions, target_servers, load_balancing_strategy, priority
          FROM (SELECT * FROM gateway.routing_rules WHERE tenant_id = :tenant_id AND is_active AND deleted_at IS NULL
                UNION ALL
                SELECT * FROM gateway.routing_rules WHERE tenant_id IS NULL AND is_active AND deleted_at IS NULL) rules
         ORDER BY priority, tenant_id NULLS LAST, id
        """
    ),
)
_SETTING: Final = Statement(
    "gateway.setting",
    text(
        """
        SELECT value FROM gateway.system_configs
         WHERE key = :key AND (tenant_id = :tenant_id OR tenant_id IS NULL) ORDER BY tenant_id NULLS LAST LIMIT 1
        """
    ),
)
_CATEGORY: Final = Statement(
    "gateway.settings_in",
    text(
        """
        SELECT DISTINCT ON (key) key, value FROM gateway.system_configs
         WHERE category = :category AND (tenant_id = :tenant_id OR tenant_id IS NULL) ORDER BY key, tenant_id NULLS LAST
        """
    ),
)
_REFRESH_DUE: Final = Statement(
    "gateway.refresh_due",
    text(
        """
        SELECT name, last_refreshed FROM gateway.materialized_views
         WHERE is_active AND refresh_strategy = 'scheduled' AND (next_refresh IS NULL OR next_refresh <= now())
         ORDER BY next_refresh NULLS FIRST, name
        """
    ),
)
_REFRESH: Final = Statement("gateway.refresh", text("SELECT maintenance.refresh_materialized_view(:name)"))
_QUARANTINE: Final = Statement(
    "gateway.quarantine",
    text(
        """
        INSERT INTO gateway.record_quarantine (message_id, wire_name, line_number, reason, payload)
        SELECT message_id, wire_name, line_number, reason, payload
          FROM jsonb_to_recordset(CAST(:records AS jsonb)) AS record (
               message_id uuid, wire_name text, line_number integer, reason text, payload jsonb)
         ORDER BY message_id, line_number
        """
    ),
)
_REASONS: Final = Statement(
    "gateway.reasons",
    text(
        """
        SELECT wire_name, reason, count(*), max(created_at) FROM gateway.record_quarantine
         WHERE created_at >= :since
         GROUP BY wire_name, reason ORDER BY count(*) DESC, wire_name, reason
        """
    ),
)


@dataclass(frozen=True, slots=True)
class StrayRecord:
    """A request, sample, action or call that cannot be stored, why not, and where it came from."""

    message_id: UUID
    wire_name: str
    number: int
    reason: str
    payload: Mapping[str, object]

    def facts(self) -> dict[str, object]:
        """Give it by the names of the columns."""
        return {
            "message_id": str(self.message_id),
            "wire_name": self.wire_name,
            "line_number": self.number,
            "reason": self.reason,
            "payload": self.payload,
        }


@dataclass(frozen=True, slots=True)
class Quarantined:
    """How many records of a kind of message are in quarantine for a reason, and when the last came."""

    wire_name: str
    reason: str
    records: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """Which servers take which requests; the lowest priority comes first."""

    id: str
    tenant_id: str | None
    name: str
    conditions: dict[str, object]
    target_servers: list[str]
    load_balancing_strategy: str
    priority: int


@dataclass(frozen=True, slots=True)
class StaleView:
    """A view that is to be computed anew."""

    name: str
    last_refreshed: datetime | None


class Gateway:
    """What is a tenant's goes before what is everybody's."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def rules(self, tenant_id: str) -> list[Rule]:
        """Return the active rules for a tenant's requests in the order in which they are tried."""
        return [Rule(*row) for row in _RULES.run(self._driver, tenant_id=tenant_id)]

    def setting(self, tenant_id: str, key: str) -> object:
        """Return a setting as it is for a tenant, None when there is none of that name."""
        row = _SETTING.run(self._driver, tenant_id=tenant_id, key=key).fetchone()
        return row[0] if row else None

    def settings_in(self, tenant_id: str, category: str) -> dict[str, object]:
        """Return the settings of a category as they are for a tenant."""
        return dict(iter(_CATEGORY.run(self._driver, tenant_id=tenant_id, category=category)))

    def refresh_due(self) -> list[StaleView]:
        """Return the views whose time to be computed anew has come."""
        return [StaleView(*row) for row in _REFRESH_DUE.run(self._driver)]

    def refresh(self, name: str) -> int:
        """Compute a view anew, while it is read; return how many rows it has."""
        return int(_REFRESH.run(self._driver, name=name).fetchall()[0][0])

    def quarantine(self, records: Sequence[StrayRecord]) -> None:
        """Put records where people find those that could not be stored."""
        if records:
            _QUARANTINE.run(self._driver, records=storable_json([record.facts() for record in records]))

    def reasons(self, *, since: datetime) -> list[Quarantined]:
        """Return why records went into quarantine since then, the most frequent reason first."""
        return [Quarantined(*row) for row in _REASONS.run(self._driver, since=since)]
