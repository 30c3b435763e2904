"""What was counted by hours and days, as people look at it: of one, or of all that there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import text

from db.page import Window
from db.repositories.rollups import Count, Unit
from db.statement import Driver, Statement, from_text

Kind = Literal["requests", "calls", "samples"]


def _page(kind: Kind, table: str, subject: str, tenant: str) -> Statement:
    return from_text(
        f"counts.{kind}",
        """
        SELECT starts_at, $subject, entries, errors, total_ms / nullif(measured, 0), p50_ms, p95_ms, p99_ms, $tenant,
               counted_at
          FROM $table
         WHERE unit = :unit AND starts_at >= :since AND starts_at < :until
           AND (CAST(:subject AS text) IS NULL OR $subject = CAST(:subject AS text))
           AND (CAST(:tenant_id AS text) IS NULL OR $tenant = CAST(:tenant_id AS text))
         ORDER BY starts_at DESC, $tenant, $subject LIMIT CAST(:limit AS integer)
        """,
        table=table,
        subject=subject,
        tenant=tenant,
        anew=True,
    )


_TABLES: Final[dict[Kind, str]] = {
    "requests": "gateway.request_logs",
    "calls": "public.service_usage_analytics",
    "samples": "gateway.server_metrics",
}
_PAGES: Final[dict[Kind, Statement]] = {
    "requests": _page("requests", "gateway.request_rollups", "server_id", "tenant_id"),
    "calls": _page("calls", "service_usage_rollups", "service_type", "CAST(NULL AS text)"),
    "samples": _page("samples", "gateway.metric_rollups", "server_id", "CAST(NULL AS text)"),
}


def _known(kind: Kind, table: str, subject: str, tenant: str) -> Statement:
    return from_text(
        f"counts.known_{kind}",
        """
        SELECT EXISTS (
            SELECT FROM $table
             WHERE (CAST(:subject AS text) IS NULL OR $subject = CAST(:subject AS text))
               AND (CAST(:tenant_id AS text) IS NULL OR $tenant = CAST(:tenant_id AS text)))
        """,
        table=table,
        subject=subject,
        tenant=tenant,
        anew=True,
    )


_KNOWN: Final[dict[Kind, Statement]] = {
    "requests": _known("requests", "gateway.request_rollups", "server_id", "tenant_id"),
    "calls": _known("calls", "service_usage_rollups", "service_type", "CAST(NULL AS text)"),
    "samples": _known("samples", "gateway.metric_rollups", "server_id", "CAST(NULL AS text)"),
}
_WAITING: Final = Statement(
    "counts.waiting",
    text(
        """
        SELECT count(DISTINCT hour) FROM rollup_marks
         WHERE table_name = :table_name AND hour >= :since AND hour < :until
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Counted(Count):
    """What was counted of an hour or a day, of which tenant, and when."""

    tenant_id: str | None
    counted_at: datetime


class Counts:
    """Only reads; `Rollups` counts."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def page(
        self,
        kind: Kind,
        window: Window,
        *,
        unit: Unit,
        subject: str | None = None,
        tenant_id: str | None = None,
        limit: int = 100,
    ) -> list[Counted]:
        """Return the newest hours or days that begin in the window; only requests are of tenants."""
        values = {"unit": unit, "since": window.since, "until": window.until, "limit": limit}
        return [Counted(*row) for row in _PAGES[kind].run(self._driver, **values, subject=subject, tenant_id=tenant_id)]

    def known(self, kind: Kind, *, subject: str | None, tenant_id: str | None) -> bool:
        """Tell whether an hour or a day of this subject and tenant is kept, whenever it was."""
        values = {"subject": subject, "tenant_id": tenant_id}
        return bool(_KNOWN[kind].run(self._driver, **values).fetchall()[0][0])

    def waiting(self, kind: Kind, window: Window) -> int:
        """Return how many hours of the window are not counted yet, or are to be counted anew."""
        values = {"table_name": _TABLES[kind], "since": window.since, "until": window.until}
        return int(_WAITING.run(self._driver, **values).fetchall()[0][0])
