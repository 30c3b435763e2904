"""Keys of third parties, and the master keys that they are encrypted under."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement

_REGISTERED: Final = Statement(
    "keys.registered", text("SELECT key_id, check_value, status FROM encryption_keys WHERE status <> 'retired'")
)
_REGISTER: Final = Statement(
    "keys.register",
    # The unique index lets one key be active; whoever comes second is for reading.
    text(
        """
        INSERT INTO encryption_keys (key_id, check_value, status)
        SELECT CAST(:key_id AS text), CAST(:check_value AS text),
               CASE WHEN EXISTS (SELECT FROM encryption_keys WHERE status = 'active')
                    THEN 'decrypt_only' ELSE 'active' END
        ON CONFLICT DO NOTHING
        """
    ),
)

_FIND: Final = Statement(
    "keys.find",
    text(
        """
        SELECT id, encrypted_key, encryption_iv, encrypted_dek, encryption_key_id FROM api_keys
         WHERE user_id = :user_id AND mcp_type_id = (SELECT id FROM mcp_types WHERE name = :mcp_type)
           AND is_active AND (expires_at IS NULL OR expires_at > now())
        """
    ),
)
_UNDER: Final = Statement(
    "keys.under",
    text(
        """
        SELECT id, encrypted_key, encryption_iv, encrypted_dek, encryption_key_id FROM api_keys
         WHERE encryption_key_id = :key_id AND id > :after ORDER BY id LIMIT CAST(:limit AS integer)
        """
    ),
    anew=True,
)
_OF_USER: Final = Statement(
    "keys.of_user",
    text(
        """
        SELECT k.id, k.key_hint, t.display_name, used.active, used.last_used
          FROM api_keys k
          JOIN mcp_types t ON t.id = k.mcp_type_id
         CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE i.status = 'running' AND i.deleted_at IS NULL) AS active,
                      max(i.created_at) AS last_used
                 FROM mcp_instances i WHERE i.api_key_id = k.id
         ) used
         WHERE k.user_id = :user_id AND k.is_active ORDER BY t.display_name, k.id
        """
    ),
)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key as it is stored: encrypted under a data key, which is wrapped by a master key."""

    id: UUID
    encrypted_key: str
    encryption_iv: str
    encrypted_dek: str
    encryption_key_id: str


@dataclass(frozen=True, slots=True)
class KeyUse:
    """How a user's key is used."""

    id: UUID
    key_hint: str | None
    type_name: str
    active_instances: int
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """A master key that secrets may be encrypted under."""

    key_id: str
    check_value: str
    status: str


class Keys:
    """What the database remembers of keys; never one that can be read."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def registered(self) -> list[RegisteredKey]:
        """Return the keys that are not retired."""
        return [RegisteredKey(*row) for row in _REGISTERED.run(self._driver)]

    def register(self, key_id: str, check_value: str) -> None:
        """Remember a key; the first one is active."""
        _REGISTER.run(self._driver, key_id=key_id, check_value=check_value)

    def find(self, user_id: UUID, mcp_type: str) -> SealedKey | None:
        """Return the key that a user has for a type, unless it is switched off or over."""
        row = _FIND.run(self._driver, user_id=user_id, mcp_type=mcp_type).fetchone()
        return None if row is None else SealedKey(*row)

    def under(self, key_id: str, *, after: UUID | None = None, limit: int = 500) -> list[SealedKey]:
        """Return the keys under a master key, by id: pass the last id of a page to get the next."""
        cursor = _UNDER.run(self._driver, key_id=key_id, after=after or UUID(int=0), limit=limit)
        return [SealedKey(*row) for row in cursor]

    def of_user(self, user_id: UUID) -> list[KeyUse]:
        """Return how a user's keys are used, by type."""
        return [KeyUse(*row) for row in _OF_USER.run(self._driver, user_id=user_id)]
