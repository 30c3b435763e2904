"""Keys with which clients come to the gateway, and what may be done on a server."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file, from_text

_KEY: Final = "id, tenant_id, user_id, name, key_prefix, scopes, is_active, expires_at, last_used, total_requests"


def _keys(name: str, condition: str, order: str = "", *, anew: bool = False) -> Statement:
    return from_text(
        f"access.{name}",
        "SELECT $key FROM gateway.api_keys WHERE $condition $order",
        key=_KEY,
        condition=condition,
        order=order,
        anew=anew,
    )


_FIND: Final = _keys("find_key", "key_hash = :key_hash AND is_active AND (expires_at IS NULL OR expires_at > now())")
_OF_TENANT: Final = _keys(
    "keys_of",
    "tenant_id = :tenant_id AND is_active AND id > :after",
    "ORDER BY id LIMIT CAST(:limit AS integer)",
    anew=True,
)
_OF_USER: Final = _keys("keys_of_user", "user_id = :user_id", "ORDER BY id")
_EXPIRING: Final = _keys(
    "keys_expiring",
    "is_active = true AND expires_at < :before",
    "ORDER BY expires_at LIMIT CAST(:limit AS integer)",
)
_LATEST: Final = _keys(
    "keys_used_last",
    "is_active = true AND last_used <= :before AND (last_used, id) < (:before, :before_id)",
    "ORDER BY last_used DESC, id DESC LIMIT CAST(:limit AS integer)",
)
_FIND_BOUND: Final = Statement(
    "access.find_bound_key",
    text(
        """
        SELECT id, tenant_id, user_id, salt, scopes, allowed_servers, allowed_methods, ip_whitelist,
               rate_limit_per_hour, rate_limit_per_day, locked_until
          FROM gateway.enhanced_api_keys
         WHERE key_hash = :key_hash AND is_active AND (expires_at IS NULL OR expires_at > now())
        """
    ),
)
_RIGHTS: Final = from_file("access.rights")


@dataclass(frozen=True, slots=True)
class GatewayKeyState:
    """A key, without its hash."""

    id: str
    tenant_id: str | None
    user_id: UUID | None
    name: str
    key_prefix: str
    scopes: list[str]
    is_active: bool
    expires_at: datetime | None
    last_used: datetime | None
    total_requests: int


@dataclass(frozen=True, slots=True)
class BoundKey:
    """What a key is bound to; an empty list binds nothing, and a locked key waits until its time."""

    id: str
    tenant_id: str | None
    user_id: UUID | None
    salt: str
    scopes: list[str]
    allowed_servers: list[str]
    allowed_methods: list[str]
    ip_whitelist: list[str]
    rate_limit_per_hour: int
    rate_limit_per_day: int
    locked_until: datetime | None


@dataclass(frozen=True, slots=True)
class Rights:
    """What may be done on a server: what any rule allows, less the methods that any rule denies."""

    can_read: bool
    can_write: bool
    can_admin: bool
    can_proxy: bool
    denied_methods: list[str]


class Access:
    """Keys are found by their hash, which is all that is kept of them."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def find_key(self, key_hash: str) -> GatewayKeyState | None:
        """Return the key of a hash, unless it is switched off or over."""
        row = _FIND.run(self._driver, key_hash=key_hash).fetchone()
        return None if row is None else GatewayKeyState(*row)

    def find_bound_key(self, key_hash: str) -> BoundKey | None:
        """Return the bound key of a hash, unless it is switched off or over."""
        row = _FIND_BOUND.run(self._driver, key_hash=key_hash).fetchone()
        return None if row is None else BoundKey(*row)

    def keys_of(self, tenant_id: str, *, after: str = "", limit: int = 100) -> list[GatewayKeyState]:
        """Return the active keys of a tenant, by id: pass the last id of a page to get the next."""
        return self._keys(_OF_TENANT, tenant_id=tenant_id, after=after, limit=limit)

    def keys_of_user(self, user_id: UUID) -> list[GatewayKeyState]:
        """Return the keys of a user, active or not."""
        return self._keys(_OF_USER, user_id=user_id)

    def keys_expiring(self, before: datetime, *, limit: int = 100) -> list[GatewayKeyState]:
        """Return active keys that will be over before then, the next first."""
        return self._keys(_EXPIRING, before=before, limit=limit)

    def keys_used_last(self, before: datetime, before_id: str = "", *, limit: int = 100) -> list[GatewayKeyState]:
        """Return active keys, the last used first: pass `last_used` and `id` of the last of a page to get the next."""
        return self._keys(_LATEST, before=before, before_id=before_id, limit=limit)

    def rights(
        self, server_id: str, *, user_id: UUID | None = None, tenant_id: str | None = None, key_id: str | None = None
    ) -> Rights | None:
        """Return what these together may do on a server now; None when no rule speaks of them."""
        row = _RIGHTS.run(
            self._driver, server_id=server_id, user_id=user_id, tenant_id=tenant_id, key_id=key_id
        ).fetchone()
        return None if row is None else Rights(*row)

    def _keys(self, statement: Statement, **values: object) -> list[GatewayKeyState]:
        return [GatewayKeyState(*row) for row in statement.run(self._driver, **values)]
