"""Who may use the gateway: sessions, keys, and rights on servers."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Items, Map, No, Now, Str20, Str64, Str255, Str500, TextId, Total, Yes, Zero

_SCHEMA: Final = {"schema": "gateway"}


class Session(Dated, Base):
    """Someone who is signed in."""

    __tablename__ = "sessions"
    __table_args__ = (
        UniqueConstraint("session_token_hash"),
        CheckConstraint("session_token_hash ~ '^[0-9a-f]{64}$'", name="session_token_hash"),
        CheckConstraint("expires_at > created_at", name="session_expiry"),
        Index("idx_sessions_user_active", "user_id", "is_active", "expires_at"),
        Index("idx_sessions_activity_time", text("last_activity DESC"), postgresql_where=text("is_active = true")),
        Index("idx_sessions_expires_at", "expires_at"),
        _SCHEMA,
    )

    id: Mapped[TextId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    session_token_hash: Mapped[Str64]
    ip_address: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[Str500 | None]
    session_data: Mapped[Map]
    is_active: Mapped[Yes]
    last_activity: Mapped[Now]
    expires_at: Mapped[datetime]


class GatewayKey(Dated, Base):
    """A key with which a client comes to the gateway."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        CheckConstraint("num_nonnulls(tenant_id, user_id) > 0", name="key_owner"),
        CheckConstraint("expires_at > created_at", name="key_expiry"),
        Index("idx_api_keys_tenant_active", "tenant_id", "is_active"),
        Index(
            "idx_api_keys_expiration",
            "expires_at",
            postgresql_where=text("is_active = true AND expires_at IS NOT NULL"),
        ),
        Index(
            "idx_api_keys_usage",
            text("last_used DESC"),
            "total_requests",
            postgresql_where=text("is_active = true"),
        ),
        Index("idx_api_keys_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[TextId]
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[Str255]
    key_hash: Mapped[Str255]
    key_prefix: Mapped[Str20]
    permissions: Mapped[Items]
    scopes: Mapped[Items]
    is_active: Mapped[Yes]
    expires_at: Mapped[datetime | None]
    last_used: Mapped[datetime | None]
    total_requests: Mapped[Total]
    api_key_metadata: Mapped[Map]


class EnhancedKey(Dated, Base):
    """A key that is bound to servers, methods, addresses and rates."""

    __tablename__ = "enhanced_api_keys"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        CheckConstraint("num_nonnulls(tenant_id, user_id) > 0", name="enhanced_key_owner"),
        CheckConstraint("expires_at > created_at", name="enhanced_key_expiry"),
        CheckConstraint("rate_limit_per_hour > 0 AND rate_limit_per_day > 0", name="rate_limits"),
        Index("idx_enhanced_api_keys_tenant_active", "tenant_id", "is_active"),
        Index("idx_enhanced_api_keys_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index(
            "idx_enhanced_api_keys_expires_at",
            "expires_at",
            postgresql_where=text("is_active AND expires_at IS NOT NULL"),
        ),
        _SCHEMA,
    )

    id: Mapped[TextId]
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[Str255]
    description: Mapped[str | None]
    key_hash: Mapped[Str255]
    key_prefix: Mapped[Str20]
    salt: Mapped[Str255]
    scopes: Mapped[Items]
    allowed_servers: Mapped[Items]
    allowed_methods: Mapped[Items]
    ip_whitelist: Mapped[Items]
    rate_limit_per_hour: Mapped[int] = mapped_column(server_default=text("1000"))
    rate_limit_per_day: Mapped[int] = mapped_column(server_default=text("10000"))
    is_active: Mapped[Yes]
    expires_at: Mapped[datetime | None]
    last_used: Mapped[datetime | None]
    total_requests: Mapped[Total]
    total_errors: Mapped[Total]
    last_success: Mapped[datetime | None]
    last_error: Mapped[datetime | None]
    failed_attempts: Mapped[Zero]
    last_failed_attempt: Mapped[datetime | None]
    is_locked: Mapped[No]
    locked_until: Mapped[datetime | None]


class ServerAccess(Dated, Base):
    """What one user, one tenant or one key may do on a server."""

    __tablename__ = "server_access_control"
    __table_args__ = (
        CheckConstraint("num_nonnulls(user_id, tenant_id, api_key_id) = 1", name="one_subject"),
        CheckConstraint("access_end_time > access_start_time", name="access_window"),
        Index("idx_server_access_control_lookup", "server_id", "user_id", "tenant_id"),
        Index("idx_server_access_control_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index("idx_server_access_control_tenant_id", "tenant_id", postgresql_where=text("tenant_id IS NOT NULL")),
        Index("idx_server_access_control_api_key_id", "api_key_id", postgresql_where=text("api_key_id IS NOT NULL")),
        _SCHEMA,
    )

    id: Mapped[TextId]
    server_id: Mapped[str] = mapped_column(ForeignKey("gateway.mcp_servers.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    api_key_id: Mapped[str | None] = mapped_column(ForeignKey("gateway.enhanced_api_keys.id", ondelete="CASCADE"))
    can_read: Mapped[Yes]
    can_write: Mapped[No]
    can_admin: Mapped[No]
    can_proxy: Mapped[Yes]
    allowed_methods: Mapped[Items]
    denied_methods: Mapped[Items]
    access_start_time: Mapped[datetime | None]
    access_end_time: Mapped[datetime | None]
    allowed_days: Mapped[Items]
    allowed_hours: Mapped[Items]
    is_active: Mapped[Yes]
    last_access: Mapped[datetime | None]
    access_count: Mapped[Total]
