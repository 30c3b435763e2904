"""Keys of users, encrypted, and what validating them found."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Id, Json, Now, Str20, Str32, Str50, Str64, Str255


class ApiKey(Dated, Base):
    """A key of a third party, encrypted under a data key of its own."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("user_id", "mcp_type_id"),
        Index("idx_api_keys_user_type", "user_id", "mcp_type_id", postgresql_where=text("is_active = true")),
        Index("idx_api_keys_mcp_type_id", "mcp_type_id"),
        Index("idx_api_keys_expires_at", "expires_at", postgresql_where=text("is_active AND expires_at IS NOT NULL")),
        Index("idx_api_keys_encryption_key_id", "encryption_key_id", "id"),
    )

    id: Mapped[Id]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    mcp_type_id: Mapped[UUID] = mapped_column(ForeignKey("mcp_types.id", ondelete="CASCADE"))
    encrypted_key: Mapped[str]
    key_hint: Mapped[Str20 | None]
    encryption_iv: Mapped[Str32]
    encrypted_dek: Mapped[str]
    encryption_key_id: Mapped[Str64] = mapped_column(ForeignKey("encryption_keys.usable_id"))
    key_fingerprint: Mapped[Str64 | None]
    is_active: Mapped[bool] = mapped_column(server_default=text("true"))
    expires_at: Mapped[datetime | None]
    key_changed_at: Mapped[Now]


class SecretCheck(Base):
    """The check value of a secret of the settings."""

    __tablename__ = "secret_checks"
    __table_args__ = (CheckConstraint("check_value ~ '^[0-9a-f]{64}$'", name="check_value"),)

    name: Mapped[Str64] = mapped_column(primary_key=True)
    check_value: Mapped[Str64]
    created_at: Mapped[Now]


class EncryptionKey(Dated, Base):
    """The name and the check value of a master key."""

    __tablename__ = "encryption_keys"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'decrypt_only', 'retired')", name="key_status"),
        CheckConstraint("check_value ~ '^[0-9a-f]{64}$'", name="check_value"),
        UniqueConstraint("usable_id"),
        Index("idx_encryption_keys_active", "status", unique=True, postgresql_where=text("status = 'active'")),
    )

    key_id: Mapped[Str64] = mapped_column(primary_key=True)
    check_value: Mapped[Str64]
    status: Mapped[Str20] = mapped_column(server_default=text("'decrypt_only'"))
    retired_at: Mapped[datetime | None]
    usable_id: Mapped[Str64 | None] = mapped_column(
        Computed("CASE WHEN status <> 'retired' THEN key_id END", persisted=True)
    )


class ApiKeyValidation(Base):
    """What a service said about a key."""

    __tablename__ = "api_key_validation_cache"
    __table_args__ = (
        Index("idx_api_key_validation_cache_expires", "expires_at"),
        Index("idx_api_key_validation_cache_service_type", "service_type"),
    )

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    service_type: Mapped[Str50] = mapped_column(
        ForeignKey("service_registry.service_type", onupdate="CASCADE", ondelete="CASCADE"), primary_key=True
    )
    key_hash: Mapped[Str255] = mapped_column(primary_key=True)
    is_valid: Mapped[bool]
    validated_at: Mapped[Now]
    expires_at: Mapped[datetime] = mapped_column(server_default=text("now() + interval '1 hour'"))
    validation_response: Mapped[Json] = mapped_column(server_default=text("'{}'"))
