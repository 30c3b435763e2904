"""Shared services: what there is, whose they are, how they are, and who used them."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Numeric, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import (
    Base,
    Dated,
    Id,
    Json,
    Map,
    Now,
    Str10,
    Str20,
    Str50,
    Str64,
    Str100,
    Str255,
    Str500,
    Total,
    Yes,
    Zero,
)


class Service(Dated, Base):
    """One server for many users, on a port of its own."""

    __tablename__ = "service_registry"
    __table_args__ = (
        UniqueConstraint("port"),
        CheckConstraint("port BETWEEN 1024 AND 65535", name="service_port"),
        CheckConstraint("auth_type IN ('api_key', 'oauth2', 'basic_auth', 'none')", name="auth_type"),
        CheckConstraint("service_type ~ '^[a-z0-9][a-z0-9_.-]*$'", name="service_type"),
        CheckConstraint("base_url ~ '^https?://[^ ]+$'", name="base_url"),
        CheckConstraint("health_check_endpoint LIKE '/%'", name="health_check_endpoint"),
        Index("idx_service_registry_category", "category"),
        Index("idx_service_registry_available", "is_available"),
    )

    service_type: Mapped[Str50] = mapped_column(primary_key=True)
    name: Mapped[Str100]
    display_name: Mapped[Str100]
    description: Mapped[str | None]
    icon_url: Mapped[Str500 | None]
    category: Mapped[Str100 | None]
    port: Mapped[int]
    base_url: Mapped[Str255 | None]
    health_check_endpoint: Mapped[Str255] = mapped_column(server_default=text("'/health'"))
    auth_type: Mapped[Str50] = mapped_column(server_default=text("'api_key'"))
    auth_config: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    service_config: Mapped[Json] = mapped_column(server_default=text("'{}'"))
    is_available: Mapped[bool] = mapped_column(server_default=text("true"))
    registered_at: Mapped[datetime | None]


class UserService(Dated, Base):
    """A user's share of a shared service."""

    __tablename__ = "user_service_instances"
    __table_args__ = (
        UniqueConstraint("user_id", "service_type"),
        CheckConstraint("encrypted_api_key <> ''", name="encrypted_api_key"),
        CheckConstraint("usage_count >= 0", name="usage_count"),
        CheckConstraint("(encrypted_api_key IS NULL) = (encryption_key_id IS NULL)", name="share_key"),
        CheckConstraint("ended_at IS NULL OR NOT is_active AND encrypted_api_key IS NULL", name="share_end"),
        Index("idx_user_service_instances_user_id", "user_id"),
        Index("idx_user_service_instances_service_type", "service_type"),
        Index("idx_user_service_instances_active", "is_active"),
        Index("idx_user_service_instances_last_used", "last_used_at"),
        Index("idx_user_service_instances_encryption_key_id", "encryption_key_id", "instance_id"),
    )

    instance_id: Mapped[Str100] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    service_type: Mapped[Str50] = mapped_column(ForeignKey("service_registry.service_type", onupdate="CASCADE"))
    encrypted_api_key: Mapped[str | None]
    encrypted_additional_credentials: Mapped[Map]
    encryption_key_id: Mapped[Str64 | None] = mapped_column(ForeignKey("encryption_keys.usable_id"))
    key_fingerprint: Mapped[Str64 | None]
    key_changed_at: Mapped[Now]
    is_active: Mapped[Yes]
    config: Mapped[Map]
    migrated_from_instance_id: Mapped[UUID | None]
    last_used_at: Mapped[datetime | None]
    usage_count: Mapped[Total]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class SharedMove(Base):
    """A dedicated key that moved to a share of a shared service."""

    __tablename__ = "shared_moves"
    __table_args__ = (
        CheckConstraint("outcome IN ('migrated', 'superseded')", name="outcome"),
        Index("idx_shared_moves_user_type", "user_id", "mcp_type_id"),
    )

    api_key_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    mcp_type_id: Mapped[UUID]
    service_type: Mapped[Str50]
    instance_id: Mapped[Str100]
    outcome: Mapped[Str20]
    from_instance_id: Mapped[UUID | None]
    moved_at: Mapped[Now]


class ServiceHealth(Dated, Base):
    """How a shared service is now."""

    __tablename__ = "service_health_status"
    __table_args__ = (
        CheckConstraint("response_time_ms >= 0", name="response_time"),
        CheckConstraint("consecutive_failures >= 0", name="consecutive_failures"),
        CheckConstraint("uptime_percentage BETWEEN 0 AND 100", name="uptime_percentage"),
        Index("idx_service_health_status_healthy", "is_healthy"),
        Index("idx_service_health_status_last_check", "last_health_check"),
    )

    service_type: Mapped[Str50] = mapped_column(
        ForeignKey("service_registry.service_type", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True
    )
    is_healthy: Mapped[Yes]
    last_health_check: Mapped[Now]
    response_time_ms: Mapped[int | None]
    error_message: Mapped[str | None]
    consecutive_failures: Mapped[Zero]
    uptime_percentage: Mapped[Decimal] = mapped_column(Numeric(5, 2), server_default=text("100.00"))


class ServiceUsage(Base):
    """One call of a shared service."""

    __tablename__ = "service_usage_analytics"
    __table_args__ = (
        CheckConstraint("status_code BETWEEN 100 AND 599", name="status_code"),
        CheckConstraint("response_time_ms >= 0", name="response_time"),
        Index("idx_service_usage_analytics_user_service", "user_id", "service_type"),
        Index("idx_service_usage_analytics_timestamp", "timestamp"),
        Index("idx_service_usage_analytics_service_type", "service_type"),
        {"postgresql_partition_by": "RANGE (timestamp)"},
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    service_type: Mapped[Str50] = mapped_column(ForeignKey("service_registry.service_type", onupdate="CASCADE"))
    instance_id: Mapped[Str100]
    endpoint: Mapped[Str255 | None]
    method: Mapped[Str10 | None]
    status_code: Mapped[int | None]
    response_time_ms: Mapped[int | None]
    error_message: Mapped[str | None]
    timestamp: Mapped[Now] = mapped_column(primary_key=True)
    created_date: Mapped[date | None] = mapped_column(Computed("(timestamp AT TIME ZONE 'UTC')::date", persisted=True))
    created_at: Mapped[Now]


class QuarantinedUse(Base):
    """A use of a share that could not be counted."""

    __tablename__ = "service_usage_quarantine"
    __table_args__ = (
        Index("idx_service_usage_quarantine_instance", "instance_id", "created_at"),
        Index("idx_service_usage_quarantine_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    instance_id: Mapped[Str100]
    reason: Mapped[Str50]
    payload: Mapped[Json]
    created_at: Mapped[Now]
