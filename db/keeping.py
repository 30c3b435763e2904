"""Keeps keys of third parties: encrypted for their row, with a hint for people and a fingerprint to find them by."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from db.encryption import KeyRing, active_key
from db.errors import KeyRefused
from db.master_keys import MasterKeys
from db.pepper import Pepper
from db.repositories.keys import KeyRow
from db.secret import encrypt, place_of_key
from db.unit_of_work import UnitOfWork

_HINT: Final = 4
_LONG_ENOUGH: Final = 12


@dataclass(frozen=True, slots=True)
class Vault:
    """What a process keeps keys with: the master keys, and the pepper of their fingerprints."""

    master_keys: MasterKeys = field(default_factory=lambda: KeyRing({}))
    pepper: Pepper | None = None

    def fingerprint(self, api_key: str) -> str:
        """Return the fingerprint that a key is found by; KeyRefused without a pepper."""
        if self.pepper is None:
            raise KeyRefused("There is no pepper to make fingerprints of keys with: set KEY_PEPPER.")
        return self.pepper.fingerprint(api_key)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A user's key for a type, as it was asked to be stored."""

    user_id: UUID
    mcp_type: str
    api_key: str = field(repr=False)
    expires_at: datetime | None
    at: datetime


def keep(uow: UnitOfWork, vault: Vault, new: NewKey) -> bool:
    """Encrypt a key for its row under the active master key and store it; False if a newer one is there."""
    key_id = active_key(vault.master_keys, uow)
    row_id, type_id = uow.keys.place(new.user_id, new.mcp_type, new_id=uuid.uuid4())
    secret = encrypt(new.api_key, place_of_key(row_id, new.user_id, type_id), vault.master_keys, key_id)
    return uow.keys.store(
        KeyRow(
            id=row_id,
            user_id=new.user_id,
            mcp_type_id=type_id,
            encrypted_key=secret.ciphertext,
            encryption_iv=secret.nonce,
            encrypted_dek=secret.data_key,
            encryption_key_id=key_id,
            key_hint=hint(new.api_key),
            key_fingerprint=vault.fingerprint(new.api_key),
            expires_at=new.expires_at,
            key_changed_at=new.at,
        )
    )


def hint(api_key: str) -> str:
    """Return the last characters of a key, for people to tell keys apart; none of a short one."""
    return api_key[-_HINT:] if len(api_key) >= _LONG_ENOUGH else ""
