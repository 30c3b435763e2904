"""How targets do, as people ask for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.statement import Driver, Statement, from_text

_FIELDS: Final = """t.id, t.kind, coalesce(t.server_id, t.service_type, CAST(t.mcp_instance_id AS text)) AS name,
               t.verdict, t.error, t.era, t.checked_at, t.response_ms, t.consecutive_failures, t.breaker, t.opened_at,
               t.tries, t.next_check_at, t.next_check_reason, t.interval_seconds, t.recovery_threshold,
               t.consecutive_successes, CAST(t.claimed_by AS text), past.day, past.week, past.month, past.average_ms,
               past.slowest_ms"""
_UPTIME: Final = """
         CROSS JOIN LATERAL (
               SELECT CAST(round(100.0 * sum(h.alive) FILTER (WHERE h.hour > now() - interval '24 hours')
                    / nullif(sum(h.checks) FILTER (WHERE h.hour > now() - interval '24 hours'), 0), 2)
                      AS double precision) AS day,
                      CAST(round(100.0 * sum(h.alive) FILTER (WHERE h.hour > now() - interval '7 days')
                    / nullif(sum(h.checks) FILTER (WHERE h.hour > now() - interval '7 days'), 0), 2)
                      AS double precision) AS week,
                      CAST(round(100.0 * sum(h.alive) / nullif(sum(h.checks), 0), 2) AS double precision) AS month,
                      sum(h.total_ms) FILTER (WHERE h.hour > now() - interval '24 hours')
                    / nullif(sum(h.answers) FILTER (WHERE h.hour > now() - interval '24 hours'), 0) AS average_ms,
                      max(h.slowest_ms) FILTER (WHERE h.hour > now() - interval '24 hours') AS slowest_ms
                 FROM health_hours h
                WHERE h.target_id = t.id AND h.hour > now() - CAST(:back AS interval) AND h.hour <= now()
         ) past"""


def _select(name: str, condition: str, order: str = "", *, anew: bool = False) -> Statement:
    return from_text(
        f"verdicts.{name}",
        "SELECT $fields FROM health_targets t $uptime WHERE $condition $order",
        fields=_FIELDS,
        uptime=_UPTIME,
        condition=condition,
        order=order,
        anew=anew,
    )


_FIRST: Final = UUID(int=0)
_PAGE: Final = "ORDER BY t.id LIMIT CAST(:limit AS integer)"
_OF_KIND: Final = "(CAST(:kind AS text) IS NULL OR t.kind = :kind) AND t.id > :after"
_ALL: Final = _select("page", _OF_KIND, _PAGE, anew=True)
_FAILING: Final = _select(
    "failing", f"(t.consecutive_failures > 0 OR t.breaker <> 'closed') AND {_OF_KIND}", _PAGE, anew=True
)
_GET: Final = _select("get", "t.id = :target_id")
_NAMED: Final = from_text(
    "verdicts.named",
    """
    SELECT id FROM health_targets WHERE id = CAST(:id AS uuid)
    UNION ALL
    SELECT id FROM health_targets WHERE service_type = :name
    UNION ALL
    SELECT id FROM health_targets WHERE server_id = :name
    """,
)
_PROBERS: Final = from_text(
    "verdicts.probers",
    "SELECT id, hostname, process_id, host_id, started_at FROM probers"
    " WHERE seen_at > now() - interval '6 seconds' ORDER BY started_at, id",
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a target does, when it is checked next and why; uptime is per cent of the checks, times are milliseconds."""

    id: UUID
    kind: str
    name: str
    verdict: str | None
    error: str | None
    era: str | None
    checked_at: datetime | None
    response_ms: float | None
    consecutive_failures: int
    breaker: str
    opened_at: datetime | None
    tries: int
    next_check_at: datetime | None
    next_check_reason: str
    interval_seconds: int
    recovery_threshold: int
    consecutive_successes: int
    claimed_by: str | None
    uptime_24h: float | None
    uptime_7d: float | None
    uptime_30d: float | None
    average_ms_24h: float | None
    slowest_ms_24h: float | None


@dataclass(frozen=True, slots=True)
class Prober:
    """A worker process that checks targets now."""

    id: UUID
    hostname: str
    process_id: int
    host_id: str | None
    started_at: datetime


class Verdicts:
    """What is known of targets."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def page(
        self, *, kind: str | None = None, failing: bool = False, after: UUID = _FIRST, limit: int = 100
    ) -> list[Verdict]:
        """Return targets by id, of one kind or in trouble only; their uptime is that of the last day."""
        values = {"kind": kind, "after": after, "limit": limit, "back": "24 hours"}
        return [Verdict(*row) for row in (_FAILING if failing else _ALL).run(self._driver, **values)]

    def get(self, target_id: UUID) -> Verdict | None:
        """Return a target with its uptime of a day, a week and 30 days."""
        row = _GET.run(self._driver, target_id=target_id, back="30 days").fetchone()
        return None if row is None else Verdict(*row)

    def named(self, name: str) -> UUID | None:
        """Return the target of an instance, a service or a server by its name or id."""
        try:
            target_id = UUID(name)
        except ValueError:
            target_id = None
        row = _NAMED.run(self._driver, id=target_id, name=name).fetchone()
        return None if row is None else row[0]

    def probers(self) -> list[Prober]:
        """Return who checks targets now, the longest at it first."""
        return [Prober(*row) for row in _PROBERS.run(self._driver)]
