"""What went through the gateway, how it routes and is set up, and what is computed ahead."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import (
    Base,
    Big,
    Dated,
    Id,
    Items,
    Json,
    Map,
    No,
    Now,
    Str10,
    Str50,
    Str100,
    Str255,
    Str500,
    TextId,
    Total,
    Yes,
)

_SCHEMA: Final = {"schema": "gateway"}
_BY_TIMESTAMP: Final = {**_SCHEMA, "postgresql_partition_by": "RANGE (timestamp)"}
_TENANT: Final = "tenants.id"


class GatewayAudit(Base):
    """Something that somebody did through the gateway."""

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index("idx_audit_logs_tenant_time", "tenant_id", text("timestamp DESC")),
        Index("idx_audit_logs_action_resource", "action", "resource_type", "resource_id"),
        Index(
            "idx_audit_logs_user_success",
            "user_id",
            "success",
            text("timestamp DESC"),
            postgresql_where=text("user_id IS NOT NULL"),
        ),
        Index(
            "idx_security_access_composite",
            "user_id",
            "action",
            "resource_type",
            "success",
            text("timestamp DESC"),
            postgresql_where=text("user_id IS NOT NULL"),
        ),
        _BY_TIMESTAMP,
    )

    id: Mapped[Id]
    tenant_id: Mapped[str | None]
    user_id: Mapped[UUID | None]
    service_name: Mapped[Str100 | None]
    action: Mapped[Str100]
    resource_type: Mapped[Str100]
    resource_id: Mapped[Str255 | None]
    timestamp: Mapped[Now] = mapped_column(primary_key=True)
    details: Mapped[Map]
    request_id: Mapped[Str255 | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[Str500 | None]
    success: Mapped[Yes]
    error_message: Mapped[str | None]
    created_at: Mapped[Now]


class QuarantinedRecord(Base):
    """A record of the gateway that could not be stored."""

    __tablename__ = "record_quarantine"
    __table_args__ = (Index("idx_record_quarantine_created_at", "created_at"), _SCHEMA)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    message_id: Mapped[UUID]
    wire_name: Mapped[Str100]
    line_number: Mapped[int]
    reason: Mapped[Str50]
    payload: Mapped[Json]
    created_at: Mapped[Now]


class RequestLog(Base):
    """A request that the gateway served."""

    __tablename__ = "request_logs"
    __table_args__ = (
        CheckConstraint("duration_ms >= 0", name="duration"),
        CheckConstraint("status_code BETWEEN 100 AND 599", name="status_code"),
        CheckConstraint("response_size_bytes >= 0", name="response_size"),
        Index("idx_request_logs_request_id", "request_id"),
        Index("idx_request_logs_tenant_time", "tenant_id", text("request_time DESC")),
        Index(
            "idx_request_logs_server_performance",
            "target_server_id",
            "duration_ms",
            "status_code",
            postgresql_where=text("target_server_id IS NOT NULL"),
        ),
        Index("idx_request_logs_ip_path", "ip_address", "path", postgresql_where=text("ip_address IS NOT NULL")),
        Index(
            "idx_request_routing_composite",
            "path",
            "method",
            "target_server_id",
            "duration_ms",
            text("request_time DESC"),
            postgresql_where=text("status_code < 400"),
        ),
        Index(
            "idx_tenant_utilization_composite",
            "tenant_id",
            text("((request_time AT TIME ZONE 'UTC')::date)"),
            "status_code",
            postgresql_where=text("tenant_id IS NOT NULL"),
        ),
        {**_SCHEMA, "postgresql_partition_by": "RANGE (request_time)"},
    )

    id: Mapped[Id]
    request_id: Mapped[Str255]
    tenant_id: Mapped[str | None]
    user_id: Mapped[UUID | None]
    ip_address: Mapped[str | None] = mapped_column(INET)
    method: Mapped[Str10]
    path: Mapped[Str500]
    query_params: Mapped[Map]
    headers: Mapped[Map]
    target_server_id: Mapped[str | None]
    request_time: Mapped[Now] = mapped_column(primary_key=True)
    response_time: Mapped[datetime | None]
    duration_ms: Mapped[float | None]
    status_code: Mapped[int | None]
    response_size_bytes: Mapped[Big | None]
    error_type: Mapped[Str100 | None]
    error_message: Mapped[str | None]
    request_metadata: Mapped[Map]
    created_at: Mapped[Now]


class ProtocolCall(Base):
    """A call of a method of the protocol."""

    __tablename__ = "fastmcp_audit_log"
    __table_args__ = (
        CheckConstraint("duration_ms >= 0", name="duration"),
        Index("idx_fastmcp_audit_user_time", "user_id", text("timestamp DESC")),
        Index("idx_fastmcp_audit_method_success", "method", "success", text("timestamp DESC")),
        Index(
            "idx_fastmcp_audit_tenant_performance",
            "tenant_id",
            "duration_ms",
            text("timestamp DESC"),
            postgresql_where=text("tenant_id IS NOT NULL"),
        ),
        _BY_TIMESTAMP,
    )

    id: Mapped[Id]
    tenant_id: Mapped[Str255 | None]
    user_id: Mapped[Str255]
    user_roles: Mapped[Items]
    method: Mapped[Str100]
    params: Mapped[Map]
    request_id: Mapped[Str255 | None]
    jsonrpc_version: Mapped[Str10] = mapped_column(server_default=text("'2.0'"))
    success: Mapped[bool]
    duration_ms: Mapped[int]
    error_code: Mapped[int | None]
    error_message: Mapped[str | None]
    timestamp: Mapped[Now] = mapped_column(primary_key=True)
    created_at: Mapped[Now]


class RoutingRule(Dated, Base):
    """Which servers take which requests."""

    __tablename__ = "routing_rules"
    __table_args__ = (
        CheckConstraint(
            "load_balancing_strategy IN ('round_robin', 'weighted', 'least_connections', 'random', 'consistent_hash')",
            name="load_balancing_strategy",
        ),
        Index("idx_routing_rules_tenant_active", "tenant_id", "is_active", "priority"),
        Index(
            "idx_routing_rules_name",
            "tenant_id",
            "name",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        _SCHEMA,
    )

    id: Mapped[TextId]
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey(_TENANT, ondelete="CASCADE"))
    name: Mapped[Str255]
    description: Mapped[str | None]
    conditions: Mapped[Map]
    target_servers: Mapped[Items]
    load_balancing_strategy: Mapped[Str50] = mapped_column(server_default=text("'round_robin'"))
    priority: Mapped[int] = mapped_column(server_default=text("100"))
    is_active: Mapped[Yes]
    deleted_at: Mapped[datetime | None]


class GatewayConfig(Dated, Base):
    """A setting of the gateway, for all tenants or one."""

    __tablename__ = "system_configs"
    __table_args__ = (
        CheckConstraint("version > 0", name="config_version"),
        Index("idx_system_configs_category_tenant", "category", "tenant_id"),
        Index("idx_system_configs_key", "tenant_id", "key", unique=True, postgresql_nulls_not_distinct=True),
        _SCHEMA,
    )

    id: Mapped[TextId]
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey(_TENANT, ondelete="CASCADE"))
    key: Mapped[Str255]
    value: Mapped[object] = mapped_column(JSONB)
    description: Mapped[str | None]
    category: Mapped[Str100]
    is_sensitive: Mapped[No]
    is_runtime_configurable: Mapped[Yes]
    version: Mapped[int] = mapped_column(server_default=text("1"))


class MaterializedView(Dated, Base):
    """A view that is computed ahead, and how fresh it is."""

    __tablename__ = "materialized_views"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("refresh_strategy IN ('manual', 'scheduled', 'triggered')", name="refresh_strategy"),
        CheckConstraint("refresh_interval_minutes > 0", name="refresh_interval"),
        CheckConstraint(
            "refresh_strategy <> 'scheduled' OR refresh_interval_minutes IS NOT NULL", name="refresh_schedule"
        ),
        Index(
            "idx_materialized_views_next_refresh",
            text("next_refresh NULLS FIRST"),
            postgresql_where=text("is_active"),
        ),
        _SCHEMA,
    )

    id: Mapped[TextId]
    name: Mapped[Str255]
    description: Mapped[str | None]
    query: Mapped[str]
    indexes: Mapped[Items]
    refresh_strategy: Mapped[Str50] = mapped_column(server_default=text("'manual'"))
    refresh_interval_minutes: Mapped[int | None]
    refresh_triggers: Mapped[Items]
    is_active: Mapped[Yes]
    last_refreshed: Mapped[datetime | None]
    next_refresh: Mapped[datetime | None]
    refresh_count: Mapped[Total]
    avg_refresh_time_ms: Mapped[float | None]
    row_count: Mapped[Big | None]
    size_bytes: Mapped[Big | None]
