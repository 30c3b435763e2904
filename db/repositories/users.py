"""Users."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.page import Mark
from db.statement import Driver, Statement, from_text
from db.storable import storable

_FIELDS: Final = "id, email, name, username, tenant_id, role::text, auth_provider, is_active, created_at"
_ADD: Final = Statement(
    "users.add",
    text(
        """
        INSERT INTO users (id, email, name, tenant_id, role)
        VALUES (:user_id, :email, :name, :tenant_id, CAST(:role AS user_role))
        """
    ),
)
_GET: Final = from_text(
    "users.get",
    "SELECT $fields FROM users WHERE id = :user_id AND deleted_at IS NULL",
    fields=_FIELDS,
)
_BY_EMAIL: Final = from_text(
    "users.find_by_email",
    "SELECT $fields FROM users WHERE lower(email) = lower(:email) AND deleted_at IS NULL",
    fields=_FIELDS,
)
_BY_PROVIDER: Final = from_text(
    "users.find_by_provider",
    """
    SELECT $fields FROM users
     WHERE auth_provider = :provider AND auth_provider_id = :provider_id AND deleted_at IS NULL
    """,
    fields=_FIELDS,
)
_OF_TENANT: Final = from_text(
    "users.of_tenant",
    """
    SELECT $fields FROM users
     WHERE tenant_id = :tenant_id AND role = CAST(:role AS user_role) AND is_active AND deleted_at IS NULL
       AND id > :after ORDER BY id LIMIT :limit     """,
    fields=_FIELDS,
    anew=True,
)
_NEWEST: Final = from_text(
    "users.newest",
    """
    SELECT $fields FROM users
     WHERE created_at <= :before_at AND (created_at, id) < (:before_at, :before_id) AND deleted_at IS NULL
     ORDER BY created_at DESC, id DESC LIMIT :limit     """,
    fields=_FIELDS,
)


@dataclass(frozen=True, slots=True)
class UserState:
    """A user, without what signs the user in."""

    id: UUID
    email: str
    name: str
    username: str | None
    tenant_id: str | None
    role: str
    auth_provider: str | None
    is_active: bool
    created_at: datetime


class Users:
    """People and services that own things; those who were deleted are not found."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def add(self, user_id: UUID, *, email: str, name: str, tenant_id: str | None = None, role: str = "viewer") -> None:
        """Enter a user; another one with the address, in whatever case, makes it ValueTaken."""
        clean = {"email": storable(email), "name": storable(name)}
        _ADD.run(self._driver, user_id=user_id, tenant_id=tenant_id, role=role, **clean)

    def get(self, user_id: UUID) -> UserState | None:
        """Return a user."""
        return self._one(_GET, user_id=user_id)

    def find_by_email(self, email: str) -> UserState | None:
        """Return the user of an address, whatever its case."""
        return self._one(_BY_EMAIL, email=storable(email))

    def find_by_provider(self, provider: str, provider_id: str) -> UserState | None:
        """Return whom an identity provider knows by that id."""
        return self._one(_BY_PROVIDER, provider=provider, provider_id=storable(provider_id))

    def of_tenant(self, tenant_id: str, role: str, *, after: UUID | None = None, limit: int = 100) -> list[UserState]:
        """Return active users of a tenant who have a role, by id: pass the last id of a page to get the next."""
        cursor = _OF_TENANT.run(self._driver, tenant_id=tenant_id, role=role, after=after or UUID(int=0), limit=limit)
        return [UserState(*row) for row in cursor]

    def newest(self, before: Mark, *, limit: int = 100) -> list[UserState]:
        """Return who came last before a mark."""
        cursor = _NEWEST.run(self._driver, before_at=before.at, before_id=before.id, limit=limit)
        return [UserState(*row) for row in cursor]

    def _one(self, statement: Statement, **values: object) -> UserState | None:
        row = statement.run(self._driver, **values).fetchone()
        return None if row is None else UserState(*row)
