"""Keys of third parties, and the master keys that they are encrypted under."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import Conflict, UnknownKey, UnknownType, UnknownUser
from db.statement import Driver, Statement, from_file

_REGISTERED: Final = Statement(
    "keys.registered",
    text(
        """
        SELECT key_id, check_value, status,
               EXISTS (SELECT FROM api_keys WHERE encryption_key_id = key_id)
               OR EXISTS (SELECT FROM api_keys_archive WHERE encryption_key_id = key_id)
               OR EXISTS (SELECT FROM user_service_instances WHERE encryption_key_id = key_id)
          FROM encryption_keys WHERE status <> 'retired'
        """
    ),
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
_PEPPER: Final = Statement("keys.pepper", text("SELECT check_value FROM secret_checks WHERE name = 'key-pepper'"))
_REMEMBER_PEPPER: Final = Statement(
    "keys.remember_pepper",
    text("INSERT INTO secret_checks (name, check_value) VALUES ('key-pepper', :check_value) ON CONFLICT DO NOTHING"),
)
_PLACE: Final = Statement(
    "keys.place",
    text(
        """
        SELECT u.id IS NOT NULL, t.id, k.id
          FROM (VALUES (CAST(:user_id AS uuid), CAST(:mcp_type AS text))) AS asked (user_id, mcp_type)
          LEFT JOIN users u ON u.id = asked.user_id AND u.is_active AND u.deleted_at IS NULL
          LEFT JOIN mcp_types t ON t.name = asked.mcp_type
          LEFT JOIN api_keys k ON k.user_id = asked.user_id AND k.mcp_type_id = t.id
        """
    ),
)
_HOLD: Final = Statement(
    "keys.hold",
    # A statement of its own: only the next one sees what was said about a key until it was held.
    text("SELECT FROM api_keys WHERE user_id = CAST(:user_id AS uuid) ORDER BY id FOR NO KEY UPDATE"),
)
_STORE: Final = from_file("keys.store")
_REVOKE: Final = from_file("keys.revoke")
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
class StoredKey:
    """A key as it is stored: encrypted under a data key, which is wrapped by a master key."""

    id: UUID
    encrypted_key: str
    encryption_iv: str
    encrypted_dek: str
    encryption_key_id: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as it is to be stored, for one row."""

    id: UUID
    user_id: UUID
    mcp_type_id: UUID
    encrypted_key: str
    encryption_iv: str
    encrypted_dek: str
    encryption_key_id: str
    key_hint: str
    key_fingerprint: str
    expires_at: datetime | None
    key_changed_at: datetime


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
    has_secrets: bool

    @property
    def is_needed(self) -> bool:
        """Tell whether a process must have it; one that was only announced it need not have yet."""
        return self.status == "active" or self.has_secrets


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

    def pepper(self) -> str | None:
        """Return the check value of the pepper that fingerprints are made with, None when there are none."""
        row = _PEPPER.run(self._driver).fetchone()
        return None if row is None else str(row[0])

    def remember_pepper(self, check_value: str) -> None:
        """Remember the pepper, unless there is one."""
        _REMEMBER_PEPPER.run(self._driver, check_value=check_value)

    def place(self, user_id: UUID, mcp_type: str, *, new_id: UUID) -> tuple[UUID, UUID]:
        """Return the id of the user's key for a type, a new one if there is none, and the id of the type."""
        known, type_id, key_id = _PLACE.run(self._driver, user_id=user_id, mcp_type=mcp_type).fetchone() or (False,) * 3
        _refuse_unknown(user_id, mcp_type, knows_user=known, knows_type=type_id is not None)
        return key_id or new_id, type_id

    def store(self, key: KeyRow) -> bool:
        """Store a key in its row and forget what was said about the one before; False if that is newer."""
        _HOLD.run(self._driver, user_id=key.user_id)
        stored, row_id = _STORE.run(self._driver, **asdict(key)).fetchone() or (False, None)
        if not stored and row_id != key.id:
            raise Conflict("Another key of the user for the type was stored at the same moment.")
        return bool(stored)

    def revoke(self, user_id: UUID, mcp_type: str, *, at: datetime) -> bool:
        """Switch a key off and forget what was said about it; False if something newer became of it."""
        _HOLD.run(self._driver, user_id=user_id)
        row = _REVOKE.run(self._driver, user_id=user_id, mcp_type=mcp_type, at=at).fetchone()
        knows_user, knows_type, knows_key, revoked = row or (False,) * 4
        _refuse_unknown(user_id, mcp_type, knows_user=knows_user, knows_type=knows_type)
        if not knows_key:
            raise UnknownKey(f"The user {user_id} has no key for {mcp_type}: store it first.")
        return bool(revoked)

    def find(self, user_id: UUID, mcp_type: str) -> StoredKey | None:
        """Return the key that a user has for a type, unless it is switched off or over."""
        row = _FIND.run(self._driver, user_id=user_id, mcp_type=mcp_type).fetchone()
        return None if row is None else StoredKey(*row)

    def of_user(self, user_id: UUID) -> list[KeyUse]:
        """Return how a user's keys are used, by type."""
        return [KeyUse(*row) for row in _OF_USER.run(self._driver, user_id=user_id)]


def _refuse_unknown(user_id: UUID, mcp_type: str, *, knows_user: bool, knows_type: bool) -> None:
    if not knows_user:
        raise UnknownUser(f"The user {user_id} does not exist or is not active.")
    if not knows_type:
        raise UnknownType(f"No type of MCP server is called {mcp_type}.")
