"""Tenants, and organizations with their members."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement
from db.storable import storable

_ADD: Final = Statement(
    "tenants.add", text("INSERT INTO tenants (id, name, status) VALUES (:tenant_id, :name, :status)")
)
_GET: Final = Statement(
    "tenants.get",
    text("SELECT id, name, status, settings FROM tenants WHERE id = :tenant_id AND deleted_at IS NULL"),
)
_FIND: Final = Statement(
    "tenants.find",
    text("SELECT id, name, status, settings FROM tenants WHERE lower(name) = lower(:name) AND deleted_at IS NULL"),
)
_OF_USER: Final = Statement(
    "tenants.organizations_of",
    text(
        """
        SELECT o.id, o.name, m.user_id, m.role::text, m.joined_at
          FROM users_organizations m JOIN organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL
         WHERE m.user_id = :user_id ORDER BY o.name, o.id
        """
    ),
)
_MEMBERS: Final = Statement(
    "tenants.members",
    text(
        """
        SELECT o.id, o.name, m.user_id, m.role::text, m.joined_at
          FROM users_organizations m JOIN organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL
         WHERE m.organization_id = :organization_id AND m.user_id > :after ORDER BY m.user_id LIMIT :limit
        """
    ),
)


@dataclass(frozen=True, slots=True)
class TenantState:
    """A customer of the gateway."""

    id: str
    name: str
    status: str
    settings: dict[str, object]


@dataclass(frozen=True, slots=True)
class MembershipState:
    """What a user is in an organization."""

    organization_id: str
    organization: str
    user_id: UUID
    role: str
    joined_at: datetime


class Tenants:
    """Who keeps apart from whom, and which groups users form; what was deleted is not found."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def add(self, tenant_id: str, *, name: str, status: str = "active") -> None:
        """Enter a tenant; another one of the name, in whatever case, makes it ValueTaken."""
        _ADD.run(self._driver, tenant_id=storable(tenant_id), name=storable(name), status=status)

    def get(self, tenant_id: str) -> TenantState | None:
        """Return a tenant."""
        row = _GET.run(self._driver, tenant_id=tenant_id).fetchone()
        return None if row is None else TenantState(*row)

    def find(self, name: str) -> TenantState | None:
        """Return the tenant of a name, whatever its case."""
        row = _FIND.run(self._driver, name=storable(name)).fetchone()
        return None if row is None else TenantState(*row)

    def organizations_of(self, user_id: UUID) -> list[MembershipState]:
        """Return the organizations of a user, by name."""
        return [MembershipState(*row) for row in _OF_USER.run(self._driver, user_id=user_id)]

    def members(self, organization_id: str, *, after: UUID | None = None, limit: int = 100) -> list[MembershipState]:
        """Return the members of an organization, by id: pass the last id of a page to get the next."""
        values = {"organization_id": organization_id, "after": after or UUID(int=0), "limit": limit}
        return [MembershipState(*row) for row in _MEMBERS.run(self._driver, **values)]
