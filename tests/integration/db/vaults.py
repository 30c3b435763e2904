"""Vaults to keep keys with, one before and one after a new master key, and keys in them."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from db.encryption import KeyRing, verify
from db.engine import Database
from db.keeping import NewKey, Vault, keep
from db.pepper import Pepper
from db.secret import Secret, decrypt, place_of_key
from tests.databases import TestDatabase


def a_key(number: int) -> str:
    """Give 32 bytes in base64."""
    return base64.b64encode(bytes([number]) * 32).decode()


PEPPER: Final = Pepper.parse(a_key(9))
OLD: Final = KeyRing.parse(f"2026-11:{a_key(1)}")
NEW: Final = KeyRing.parse(f"2027-01:{a_key(2)}")
BOTH: Final = KeyRing.parse(f"2026-11:{a_key(1)},2027-01:{a_key(2)}")
VAULT: Final = Vault(OLD, PEPPER)
SECRET: Final = "figd_canary-7c1e-4f2c"
AT: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Keeper:
    """Keeps keys in one database and looks at what is there."""

    database: Database
    admin: TestDatabase
    make_user: Callable[[], UUID]

    def a_user(self) -> UUID:
        return self.make_user()

    def keeps(
        self,
        user_id: UUID,
        api_key: str = SECRET,
        *,
        mcp_type: str = "figma",
        minutes: int = 0,
        vault: Vault = VAULT,
        expires_at: datetime | None = None,
    ) -> bool:
        """Store a key as asked for some minutes after noon."""
        with self.database.transaction() as uow:
            new = NewKey(user_id, mcp_type, api_key, expires_at, AT + timedelta(minutes=minutes))
            return keep(uow, vault, new)

    def revokes(self, user_id: UUID, *, mcp_type: str = "figma", minutes: int = 0) -> bool:
        with self.database.transaction() as uow:
            return uow.keys.revoke(user_id, mcp_type, at=AT + timedelta(minutes=minutes))

    def told(self, user_id: UUID, *, is_valid: bool = True, minutes: float = 0, service: str = "figma") -> bool:
        """Record what a service said, as of some minutes after noon."""
        with self.database.transaction() as uow:
            at = AT + timedelta(minutes=minutes)
            return uow.cache.record(user_id, service, is_valid=is_valid, response={"plan": "team"}, at=at)

    def known(self, user_id: UUID, api_key: str = SECRET, *, service: str = "figma") -> bool | None:
        with self.database.transaction() as uow:
            return uow.cache.look_up(user_id, service, VAULT.fingerprint(api_key))

    def reads(self, user_id: UUID, *, mcp_type: str = "figma", ring: KeyRing = BOTH) -> str | None:
        """Give the key in use as whoever needs it reads it."""
        with self.database.transaction() as uow:
            stored = uow.keys.find(user_id, mcp_type)
        if stored is None:
            return None
        type_id = self.admin.value("SELECT id FROM mcp_types WHERE name = %s", mcp_type)
        assert isinstance(type_id, UUID)
        secret = Secret(stored.encryption_key_id, stored.encrypted_dek, stored.encryption_iv, stored.encrypted_key)
        return decrypt(secret, place_of_key(stored.id, user_id, type_id), ring)

    def verifies(self, ring: KeyRing) -> None:
        verify(ring, self.database)
