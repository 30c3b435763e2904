"""How the gateway routes and is set up, and what is computed ahead."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from db.statement import Driver, Statement

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
