"""Requests, calls of shared services and samples of servers, counted by hours and days."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import text

from db.page import Window
from db.statement import Driver, Statement, from_text

Unit = Literal["hour", "day"]

TABLES: Final = ("public.service_usage_analytics", "gateway.server_metrics", "gateway.request_logs")
"""What is counted; requests last, for their servers are held from then on until the transaction ends."""

_ROLL_UP: Final = Statement("rollups.roll_up", text("SELECT maintenance.roll_up(:table_name, :most)"))


def _counts(name: str, table: str, subject: str, condition: str) -> Statement:
    return from_text(
        f"rollups.{name}",
        """
        SELECT starts_at, $subject, entries, errors, total_ms / nullif(measured, 0), p50_ms, p95_ms, p99_ms
          FROM $table
         WHERE unit = :unit AND starts_at >= :since AND starts_at < :until AND $condition
         ORDER BY starts_at, $subject
        """,
        table=table,
        subject=subject,
        condition=condition,
        anew=True,
    )


_OF_TENANT: Final = _counts("of_tenant", "gateway.request_rollups", "server_id", "tenant_id = :tenant_id")
_OF_SERVER: Final = _counts("of_server", "gateway.metric_rollups", "server_id", "server_id = :server_id")
_OF_SERVICE: Final = _counts(
    "of_service", "service_usage_rollups", "service_type", "service_type = CAST(:service_type AS text)"
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many there were in an hour or a day, how many failed, and how many milliseconds they took."""

    starts_at: datetime
    subject: str
    entries: int
    errors: int
    avg_ms: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Rollups:
    """Only the owner's function counts; what is counted stays when the rows go."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def roll_up(self, table: str, *, most: int) -> int:
        """Count so many hours anew that rows of a table came into; return how many, none while another counts."""
        return int(_ROLL_UP.run(self._driver, table_name=table, most=most).fetchall()[0][0])

    def of_tenant(self, tenant_id: str, window: Window, *, unit: Unit) -> list[Count]:
        """Return a tenant's requests by hour or day and server."""
        return self._counts(_OF_TENANT, window, unit, tenant_id=tenant_id)

    def of_server(self, server_id: str, window: Window, *, unit: Unit) -> list[Count]:
        """Return the samples of a server by hour or day; errors are those that told of some."""
        return self._counts(_OF_SERVER, window, unit, server_id=server_id)

    def of_service(self, service_type: str, window: Window, *, unit: Unit) -> list[Count]:
        """Return the calls of a shared service by hour or day."""
        return self._counts(_OF_SERVICE, window, unit, service_type=service_type)

    def _counts(self, statement: Statement, window: Window, unit: Unit, **subject: object) -> list[Count]:
        values = {"unit": unit, "since": window.since, "until": window.until, **subject}
        return [Count(*row) for row in statement.run(self._driver, **values)]
