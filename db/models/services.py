"""Shared services."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Json, Str50, Str100, Str255, Str500


class Service(Dated, Base):
    """One server for many users, on a port of its own."""

    __tablename__ = "service_registry"
    __table_args__ = (
        UniqueConstraint("port"),
        CheckConstraint("port BETWEEN 1024 AND 65535", name="service_port"),
        CheckConstraint("auth_type IN ('api_key', 'oauth2', 'basic_auth', 'none')", name="auth_type"),
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
