"""How the gateway's servers do: metrics, circuit breakers, pools, queues, alerts."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import (
    Base,
    Dated,
    Id,
    Items,
    Map,
    No,
    Now,
    Str10,
    Str20,
    Str100,
    Str255,
    TextId,
    Total,
    Yes,
    Zero,
)

_SCHEMA: Final = {"schema": "gateway"}
_SERVER: Final = "gateway.mcp_servers.id"


class ServerMetric(Base):
    """A sample of what a server reports of itself."""

    __tablename__ = "server_metrics"
    __table_args__ = (
        CheckConstraint("error_rate BETWEEN 0 AND 100", name="error_rate"),
        Index("idx_server_metrics_server_time", "server_id", text("timestamp DESC")),
        Index(
            "idx_server_metrics_performance",
            "response_time_ms",
            "error_rate",
            postgresql_where=text("response_time_ms IS NOT NULL"),
        ),
        {**_SCHEMA, "postgresql_partition_by": "RANGE (timestamp)"},
    )

    id: Mapped[Id]
    server_id: Mapped[str] = mapped_column(ForeignKey(_SERVER, ondelete="CASCADE"))
    timestamp: Mapped[Now] = mapped_column(primary_key=True)
    response_time_ms: Mapped[float | None]
    requests_per_second: Mapped[float | None]
    error_rate: Mapped[float | None]
    cpu_usage: Mapped[float | None]
    memory_usage_mb: Mapped[float | None]
    active_connections: Mapped[int | None]
    connection_pool_size: Mapped[int | None]
    custom_metrics: Mapped[Map]
    created_at: Mapped[Now]


class CircuitBreaker(Dated, Base):
    """Whether calls to a server are let through."""

    __tablename__ = "circuit_breakers"
    __table_args__ = (
        UniqueConstraint("server_id", "service_name"),
        CheckConstraint("state IN ('closed', 'open', 'half_open')", name="breaker_state"),
        CheckConstraint("failure_threshold > 0 AND success_threshold > 0 AND timeout_ms > 0", name="breaker_limits"),
        CheckConstraint("failure_count >= 0 AND success_count >= 0", name="breaker_counts"),
        Index("idx_circuit_breakers_server_state", "server_id", "state", "last_state_change"),
        _SCHEMA,
    )

    id: Mapped[TextId]
    server_id: Mapped[str] = mapped_column(ForeignKey(_SERVER, ondelete="CASCADE"))
    service_name: Mapped[Str255]
    state: Mapped[Str20] = mapped_column(server_default=text("'closed'"))
    failure_count: Mapped[Zero]
    success_count: Mapped[Zero]
    failure_threshold: Mapped[int] = mapped_column(server_default=text("5"))
    success_threshold: Mapped[int] = mapped_column(server_default=text("2"))
    timeout_ms: Mapped[int] = mapped_column(server_default=text("60000"))
    last_failure_time: Mapped[datetime | None]
    last_success_time: Mapped[datetime | None]
    last_state_change: Mapped[Now]
    total_requests: Mapped[Total]
    total_failures: Mapped[Total]
    total_timeouts: Mapped[Total]


class ConnectionPool(Dated, Base):
    """Connections of gateways to a server."""

    __tablename__ = "connection_pools"
    __table_args__ = (
        UniqueConstraint("server_id", "pool_name"),
        CheckConstraint("min_size >= 0 AND max_size >= greatest(min_size, 1)", name="pool_size"),
        CheckConstraint("timeout_ms > 0 AND idle_timeout_ms > 0", name="pool_timeouts"),
        Index("idx_connection_pools_server_health", "server_id", "is_healthy", "active_connections"),
        _SCHEMA,
    )

    id: Mapped[TextId]
    server_id: Mapped[str] = mapped_column(ForeignKey(_SERVER, ondelete="CASCADE"))
    pool_name: Mapped[Str255]
    transport_type: Mapped[Str20] = mapped_column(server_default=text("'http'"))
    max_size: Mapped[int] = mapped_column(server_default=text("10"))
    min_size: Mapped[int] = mapped_column(server_default=text("2"))
    timeout_ms: Mapped[int] = mapped_column(server_default=text("30000"))
    idle_timeout_ms: Mapped[int] = mapped_column(server_default=text("300000"))
    active_connections: Mapped[Zero]
    idle_connections: Mapped[Zero]
    pending_requests: Mapped[Zero]
    is_healthy: Mapped[Yes]
    last_health_check: Mapped[datetime | None]
    total_connections_created: Mapped[Total]
    total_connections_closed: Mapped[Total]
    connection_errors: Mapped[Total]
    avg_connection_time_ms: Mapped[float | None]


class RequestQueue(Dated, Base):
    """Requests that wait for a server."""

    __tablename__ = "request_queues"
    __table_args__ = (
        UniqueConstraint("server_id", "queue_name"),
        CheckConstraint("max_size > 0 AND processing_timeout_ms > 0 AND priority_levels > 0", name="queue_limits"),
        CheckConstraint("current_size >= 0 AND processing_count >= 0", name="queue_sizes"),
        Index("idx_request_queues_server_accepting", "server_id", "is_accepting_requests", "current_size"),
        _SCHEMA,
    )

    id: Mapped[TextId]
    server_id: Mapped[str] = mapped_column(ForeignKey(_SERVER, ondelete="CASCADE"))
    queue_name: Mapped[Str255]
    max_size: Mapped[int] = mapped_column(server_default=text("1000"))
    processing_timeout_ms: Mapped[int] = mapped_column(server_default=text("60000"))
    priority_levels: Mapped[int] = mapped_column(server_default=text("3"))
    current_size: Mapped[Zero]
    processing_count: Mapped[Zero]
    is_accepting_requests: Mapped[Yes]
    last_processed: Mapped[datetime | None]
    total_enqueued: Mapped[Total]
    total_processed: Mapped[Total]
    total_timeouts: Mapped[Total]
    total_errors: Mapped[Total]
    avg_processing_time_ms: Mapped[float | None]
    avg_wait_time_ms: Mapped[float | None]


class PerformanceAlert(Dated, Base):
    """A limit that a metric must keep, and whether it is broken now."""

    __tablename__ = "performance_alerts"
    __table_args__ = (
        CheckConstraint("comparison_operator IN ('>', '<', '>=', '<=', '==')", name="comparison_operator"),
        CheckConstraint("duration_minutes >= 0 AND cooldown_minutes >= 0", name="alert_times"),
        CheckConstraint("NOT is_triggered OR first_triggered IS NOT NULL", name="triggered_since"),
        Index(
            "idx_performance_alerts_active_triggered",
            "server_id",
            "metric_name",
            text("last_triggered DESC"),
            postgresql_where=text("is_active"),
        ),
        Index("idx_performance_alerts_name", "server_id", "name", unique=True, postgresql_nulls_not_distinct=True),
        UniqueConstraint("target_id"),
        _SCHEMA,
    )

    id: Mapped[TextId]
    server_id: Mapped[str | None] = mapped_column(ForeignKey(_SERVER, ondelete="CASCADE"))
    name: Mapped[Str255]
    description: Mapped[str | None]
    metric_name: Mapped[Str100]
    threshold_value: Mapped[float]
    comparison_operator: Mapped[Str10]
    duration_minutes: Mapped[int] = mapped_column(server_default=text("5"))
    is_active: Mapped[Yes]
    is_triggered: Mapped[No]
    first_triggered: Mapped[datetime | None]
    last_triggered: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    trigger_count: Mapped[Zero]
    notification_channels: Mapped[Items]
    cooldown_minutes: Mapped[int] = mapped_column(server_default=text("60"))
    last_notification: Mapped[datetime | None]
    target_id: Mapped[UUID | None] = mapped_column(ForeignKey("health_targets.id", ondelete="CASCADE"))
