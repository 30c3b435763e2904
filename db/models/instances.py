"""Users, types, instances, ports, events and settings."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ENUM, INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Id, Json, Map, Now, Str20, Str50, Str64, Str100, Str255, Str500

_LIVE = text("deleted_at IS NULL")

ROLE: Final = ENUM("admin", "manager", "developer", "analyst", "viewer", "guest", name="user_role", create_type=False)


class User(Dated, Base):
    """Someone who owns instances and keys."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("(auth_provider IS NULL) = (auth_provider_id IS NULL)", name="auth_provider"),
        Index("idx_users_email", text("lower(email)"), unique=True, postgresql_where=_LIVE),
        Index("idx_users_username", text("lower(username)"), unique=True, postgresql_where=_LIVE),
        Index(
            "idx_users_auth_provider",
            "auth_provider",
            "auth_provider_id",
            unique=True,
            postgresql_where=text("auth_provider IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index("idx_users_tenant_role", "tenant_id", "role", "is_active"),
        Index("idx_users_role", "role"),
        Index("idx_users_created_at", text("created_at DESC")),
    )

    id: Mapped[Id]
    email: Mapped[Str255]
    password_hash: Mapped[Str255 | None]
    name: Mapped[Str255]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    email_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    email_verified_at: Mapped[datetime | None]
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenants.id", ondelete="RESTRICT"))
    username: Mapped[Str255 | None]
    avatar_url: Mapped[str | None]
    role: Mapped[str] = mapped_column(ROLE, server_default=text("'viewer'"))
    auth_provider: Mapped[Str50 | None]
    auth_provider_id: Mapped[Str255 | None]
    user_metadata: Mapped[Map]
    deleted_at: Mapped[datetime | None]


class McpType(Dated, Base):
    """A kind of MCP server."""

    __tablename__ = "mcp_types"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("max_duration_minutes > 0", name="max_duration"),
        Index("idx_mcp_types_service_type", "service_type", postgresql_where=text("service_type IS NOT NULL")),
    )

    id: Mapped[Id]
    name: Mapped[Str50]
    display_name: Mapped[Str100]
    description: Mapped[str | None]
    icon_url: Mapped[Str500 | None]
    server_script: Mapped[Str255]
    config_template: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    required_scopes: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    resource_limits: Mapped[Json] = mapped_column(server_default=text("""'{"cpu": "0.5", "memory": "512m"}'"""))
    max_duration_minutes: Mapped[int] = mapped_column(server_default=text("60"))
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    category: Mapped[Str100 | None]
    service_type: Mapped[Str50 | None] = mapped_column(
        ForeignKey("service_registry.service_type", onupdate="CASCADE", ondelete="SET NULL")
    )


class Instance(Dated, Base):
    """One running or once running MCP server of a user."""

    __tablename__ = "mcp_instances"
    __table_args__ = (
        UniqueConstraint("access_token_hash"),
        CheckConstraint("status IN ('pending', 'running', 'expired', 'disconnected', 'error')", name="status"),
        CheckConstraint("assigned_port BETWEEN 3001 AND 65535", name="port_range"),
        CheckConstraint("access_url IS NOT NULL OR status NOT IN ('pending', 'running')", name="access_url"),
        CheckConstraint("access_token_hash ~ '^[0-9a-f]{64}$'", name="access_token_hash"),
        Index("idx_mcp_instances_status", "status", postgresql_where=_LIVE),
        Index("idx_mcp_instances_expires_at", "expires_at", postgresql_where=_LIVE),
        Index("idx_mcp_instances_access_token", "access_token_hash", postgresql_where=_LIVE),
        Index("idx_mcp_instances_port", "assigned_port", postgresql_where=_LIVE),
        Index("idx_mcp_instances_process_id", "process_id", postgresql_where=_LIVE),
        Index("idx_mcp_instances_user_status", "user_id", "status", postgresql_where=_LIVE),
        Index("idx_mcp_instances_type", "mcp_type_id", postgresql_where=_LIVE),
        Index("idx_mcp_instances_api_key_id", "api_key_id", postgresql_where=text("api_key_id IS NOT NULL")),
        Index(
            "idx_mcp_instances_expiry_due",
            "expires_at",
            postgresql_where=text("deleted_at IS NULL AND status IN ('pending', 'running')"),
        ),
        Index(
            "idx_mcp_instances_pending",
            "pending_since",
            postgresql_where=text("status = 'pending' AND deleted_at IS NULL"),
        ),
        Index(
            "idx_mcp_instances_live_port",
            "host_id",
            "assigned_port",
            unique=True,
            postgresql_where=text("deleted_at IS NULL AND status IN ('pending', 'running')"),
        ),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    mcp_type_id: Mapped[UUID] = mapped_column(ForeignKey("mcp_types.id"))
    api_key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id", ondelete="SET NULL"))
    name: Mapped[Str255 | None]
    host_id: Mapped[Str255] = mapped_column(server_default=text("'local'"))
    process_id: Mapped[int | None]
    process_started_at: Mapped[datetime | None]
    access_token_hash: Mapped[Str64]
    access_token_hint: Mapped[Str20 | None]
    access_url: Mapped[Str500 | None]
    assigned_port: Mapped[int | None]
    status: Mapped[Str20] = mapped_column(server_default=text("'pending'"))
    is_active: Mapped[bool | None] = mapped_column(
        Computed("status IN ('pending', 'running') AND deleted_at IS NULL", persisted=True)
    )
    expires_at: Mapped[datetime]
    config: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    error_message: Mapped[str | None]
    last_accessed: Mapped[datetime | None]
    last_health_check: Mapped[datetime | None]
    stats: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    deleted_at: Mapped[datetime | None]
    pending_since: Mapped[Now]
    restored_at: Mapped[datetime | None]
    stats_at: Mapped[datetime | None]


class PortAllocation(Dated, Base):
    """A port of a host and the instance that leases it."""

    __tablename__ = "port_allocations"
    __table_args__ = (
        CheckConstraint("port BETWEEN 3001 AND 65535", name="port"),
        CheckConstraint("NOT is_available OR mcp_instance_id IS NULL", name="available_port"),
        CheckConstraint(
            "set_aside_at IS NULL OR (NOT is_available AND mcp_instance_id IS NULL AND set_aside_reason IS NOT NULL)",
            name="set_aside",
        ),
        Index("idx_port_allocations_available", "is_available", "port"),
        Index(
            "idx_port_allocations_mcp",
            "mcp_instance_id",
            unique=True,
            postgresql_where=text("mcp_instance_id IS NOT NULL"),
        ),
        Index(
            "idx_port_allocations_lease",
            "host_id",
            text("released_at NULLS FIRST"),
            "port",
            postgresql_where=text("is_available"),
        ),
    )

    host_id: Mapped[Str255] = mapped_column(primary_key=True, server_default=text("'local'"))
    port: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    mcp_instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("mcp_instances.id", ondelete="SET NULL"))
    allocated_at: Mapped[datetime | None]
    released_at: Mapped[datetime | None]
    is_available: Mapped[bool] = mapped_column(server_default=text("true"))
    last_health_check: Mapped[datetime | None]
    from_range: Mapped[bool] = mapped_column(server_default=text("false"))
    set_aside_at: Mapped[datetime | None]
    set_aside_reason: Mapped[str | None]


class InstanceEvent(Base):
    """Something that happened to an instance, or was refused."""

    __tablename__ = "mcp_events"
    __table_args__ = (
        Index("idx_mcp_events_instance", "mcp_instance_id", text("created_at DESC")),
        Index("idx_mcp_events_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (created_at)"},
    )

    id: Mapped[Id]
    mcp_instance_id: Mapped[UUID] = mapped_column(ForeignKey("mcp_instances.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    event_type: Mapped[Str50]
    event_data: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None]
    created_at: Mapped[Now] = mapped_column(primary_key=True, server_default=text("clock_timestamp()"))


class SystemSetting(Dated, Base):
    """A setting that operators change while the system runs."""

    __tablename__ = "system_settings"

    key: Mapped[Str100] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSONB)
    description: Mapped[str | None]
