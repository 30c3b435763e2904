"""Tenants, and organizations with their members."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, Dated, Map, Now, Str20, Str255, TextId
from db.models.instances import ROLE

_LIVE = text("deleted_at IS NULL")


class Tenant(Dated, Base):
    """A customer of the gateway."""

    __tablename__ = "tenants"
    __table_args__ = (
        CheckConstraint("length(id) BETWEEN 1 AND 64", name="tenant_id"),
        CheckConstraint("status IN ('active', 'suspended', 'disabled')", name="tenant_status"),
        Index("idx_tenants_name", text("lower(name)"), unique=True, postgresql_where=_LIVE),
    )

    id: Mapped[TextId]
    name: Mapped[Str255]
    description: Mapped[str | None]
    status: Mapped[Str20] = mapped_column(server_default=text("'active'"))
    settings: Mapped[Map]
    deleted_at: Mapped[datetime | None]


class Organization(Dated, Base):
    """A group of users."""

    __tablename__ = "organizations"
    __table_args__ = (
        Index(
            "idx_organizations_name",
            "tenant_id",
            text("lower(name)"),
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=_LIVE,
        ),
    )

    id: Mapped[TextId]
    tenant_id: Mapped[str | None] = mapped_column(ForeignKey("tenants.id", ondelete="CASCADE"))
    name: Mapped[Str255]
    description: Mapped[str | None]
    deleted_at: Mapped[datetime | None]


class Membership(Dated, Base):
    """A user in an organization."""

    __tablename__ = "users_organizations"
    __table_args__ = (Index("idx_users_organizations_organization_id", "organization_id"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    organization_id: Mapped[str] = mapped_column(ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(ROLE)
    joined_at: Mapped[Now]
