"""How the gateway's servers do: samples, circuit breakers, pools, queues, alerts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from db.page import Window
from db.statement import Driver, Statement

_BREAKERS: Final = Statement(
    "operation.breakers",
    text(
        """
        SELECT service_name, state, failure_count, timeout_ms, last_state_change
          FROM gateway.circuit_breakers WHERE server_id = :server_id ORDER BY state, last_state_change, service_name
        """
    ),
)
_POOLS: Final = Statement(
    "operation.healthy_pools",
    text(
        """
        SELECT pool_name, active_connections, max_size, pending_requests FROM gateway.connection_pools
         WHERE server_id = :server_id AND is_healthy ORDER BY active_connections, pool_name
        """
    ),
)
_QUEUES: Final = Statement(
    "operation.open_queues",
    text(
        """
        SELECT queue_name, current_size, max_size, processing_count FROM gateway.request_queues
         WHERE server_id = :server_id AND is_accepting_requests ORDER BY current_size, queue_name
        """
    ),
)
_SAMPLES: Final = Statement(
    "operation.samples",
    text(
        """
        SELECT timestamp, response_time_ms, requests_per_second, error_rate, cpu_usage, memory_usage_mb
          FROM gateway.server_metrics
         WHERE server_id = :server_id AND timestamp >= :since AND timestamp < :until
         ORDER BY timestamp DESC LIMIT CAST(:limit AS integer)
        """
    ),
)
_WORST: Final = Statement(
    "operation.worst",
    text(
        """
        SELECT server_id, max(response_time_ms), max(error_rate) FROM gateway.server_metrics
         WHERE response_time_ms > CAST(:above_ms AS double precision) AND timestamp >= :since AND timestamp < :until
         GROUP BY server_id ORDER BY 2 DESC, server_id LIMIT CAST(:limit AS integer)
        """
    ),
    anew=True,
)
_ALERTS: Final = Statement(
    "operation.alerts",
    text(
        """
        SELECT id, server_id, name, metric_name, comparison_operator, threshold_value, duration_minutes, is_triggered,
               last_triggered
          FROM gateway.performance_alerts
         WHERE server_id = :server_id AND metric_name = :metric_name AND is_active
         ORDER BY last_triggered DESC, id
        """
    ),
)
_OPEN_ALERTS: Final = Statement(
    "operation.open_alerts",
    text(
        """
        SELECT a.id, a.server_id, a.name, a.metric_name, a.comparison_operator, a.threshold_value, a.duration_minutes,
               a.is_triggered, a.last_triggered
          FROM gateway.mcp_servers s
         CROSS JOIN LATERAL (
               -- The limit keeps the planner from reading the alerts of all servers first.
               SELECT * FROM gateway.performance_alerts
                WHERE server_id = s.id AND is_active AND is_triggered AND resolved_at IS NULL
                ORDER BY last_triggered DESC LIMIT CAST(:limit AS integer)
         ) a
         WHERE s.tenant_id = :tenant_id AND s.deleted_at IS NULL
         ORDER BY a.last_triggered DESC, a.id LIMIT CAST(:limit AS integer)
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Whether calls are let through; an open one lets a call try after its timeout."""

    service_name: str
    state: str
    failure_count: int
    timeout_ms: int
    last_state_change: datetime


@dataclass(frozen=True, slots=True)
class Room:
    """How full a pool of connections or a queue is, and what waits for it or is worked on."""

    name: str
    used: int
    size: int
    pending: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What a server reported of itself."""

    timestamp: datetime
    response_time_ms: float | None
    requests_per_second: float | None
    error_rate: float | None
    cpu_usage: float | None
    memory_usage_mb: float | None


@dataclass(frozen=True, slots=True)
class Extreme:
    """The worst that a server reported."""

    server_id: str
    response_time_ms: float
    error_rate: float | None


@dataclass(frozen=True, slots=True)
class Alert:
    """A limit that a metric must keep, and whether it is broken."""

    id: str
    server_id: str | None
    name: str
    metric_name: str
    comparison_operator: str
    threshold_value: float
    duration_minutes: int
    is_triggered: bool
    last_triggered: datetime | None


class Operation:
    """What a gateway asks before it calls a server, and what operators look at."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def breakers(self, server_id: str) -> list[Breaker]:
        """Return the circuit breakers of a server."""
        return [Breaker(*row) for row in _BREAKERS.run(self._driver, server_id=server_id)]

    def healthy_pools(self, server_id: str) -> list[Room]:
        """Return the pools of a server that work, the emptiest first."""
        return [Room(*row) for row in _POOLS.run(self._driver, server_id=server_id)]

    def open_queues(self, server_id: str) -> list[Room]:
        """Return the queues of a server that take requests, the shortest first."""
        return [Room(*row) for row in _QUEUES.run(self._driver, server_id=server_id)]

    def samples(self, server_id: str, window: Window, *, limit: int = 1000) -> list[Sample]:
        """Return what a server reported, newest first."""
        values = {"server_id": server_id, "since": window.since, "until": window.until, "limit": limit}
        return [Sample(*row) for row in _SAMPLES.run(self._driver, **values)]

    def worst(self, window: Window, *, above_ms: float, limit: int = 20) -> list[Extreme]:
        """Return the servers that took longer than so many milliseconds, for operators."""
        values = {"above_ms": above_ms, "since": window.since, "until": window.until, "limit": limit}
        return [Extreme(*row) for row in _WORST.run(self._driver, **values)]

    def alerts(self, server_id: str, metric_name: str) -> list[Alert]:
        """Return the limits that a metric of a server must keep."""
        return [Alert(*row) for row in _ALERTS.run(self._driver, server_id=server_id, metric_name=metric_name)]

    def open_alerts(self, tenant_id: str, *, limit: int = 100) -> list[Alert]:
        """Return the limits that servers of a tenant break, the latest first."""
        return [Alert(*row) for row in _OPEN_ALERTS.run(self._driver, tenant_id=tenant_id, limit=limit)]
