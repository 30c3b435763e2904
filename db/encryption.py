"""The master keys of this process, and whether they are the ones of the database.

A key that was lost or changed makes every secret unreadable, and a process that starts anyway writes
new secrets under it.  So the database remembers a check value of each key, and a process whose keys do
not fit it does not start.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from db.engine import Database
from db.errors import KeyRefused, SecretUnreadable
from db.master_keys import MasterKeys
from db.named_keys import KEY_BYTES, named_keys
from db.repositories.keys import RegisteredKey
from db.unit_of_work import UnitOfWork

_CANARY: Final = b"minimcp master key 1"
_WRAPPING: Final = b"minimcp wrapping key 1"
_NONCE_BYTES: Final = 12
_EXAMPLE: Final = (
    'NAME:KEY, where KEY comes from `python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"`'
)


@dataclass(frozen=True)
class KeyRing:
    """Master keys that the settings give, by name and in the order given: the provider that is shipped."""

    _keys: dict[str, bytes] = field(repr=False)
    _ciphers: dict[str, AESGCM] = field(init=False, repr=False, compare=False, default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NAME:BASE64,…`; KeyRefused says what is wrong without repeating a key."""
        return cls(named_keys(text, setting="MASTER_KEYS", example=_EXAMPLE))

    def check_values(self) -> dict[str, str]:
        """Return what the database may know of each key."""
        return {name: hmac.new(key, _CANARY, hashlib.sha256).hexdigest() for name, key in self._keys.items()}

    def wrap(self, key_id: str, data_key: bytes, bound: bytes) -> bytes:
        """Encrypt a data key under a master key; KeyRefused if that is not here."""
        if key_id not in self._keys:
            raise KeyRefused(_lacking(key_id))
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher(key_id).encrypt(nonce, data_key, bound)

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        """Decrypt a data key; SecretUnreadable if its master key is not here, or was another, or another place."""
        if key_id not in self._keys:
            raise SecretUnreadable(_lacking(key_id))
        try:
            return self._cipher(key_id).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], bound)
        except (InvalidTag, ValueError):
            # A wrong master key, another row's data key and damage look the same, and must.
            raise SecretUnreadable(
                f"A data key does not fit its row and the master key {key_id}: it was damaged, "
                "or moved from another row."
            ) from None

    def _cipher(self, key_id: str) -> AESGCM:
        """Return the cipher of the wrapping key that is derived from a master key."""
        if key_id not in self._ciphers:
            derived = HKDF(SHA256(), KEY_BYTES, salt=None, info=_WRAPPING).derive(self._keys[key_id])
            self._ciphers[key_id] = AESGCM(derived)
        return self._ciphers[key_id]


def verify(ring: MasterKeys, database: Database) -> None:
    """Register new keys; raise KeyRefused unless every key that the database's secrets need is here, unchanged."""
    with database.transaction() as uow:
        registered = _register(ring, uow)
    _refuse_others(ring, registered)


def active_key(ring: MasterKeys, uow: UnitOfWork) -> str:
    """Verify the keys within a transaction and name the one that new secrets are encrypted under."""
    registered = _register(ring, uow)
    _refuse_others(ring, registered)
    for key in registered:
        if key.status == "active":
            return key.key_id
    raise KeyRefused(f"There is no master key to encrypt under: set MASTER_KEYS to {_EXAMPLE}.")


def _register(ring: MasterKeys, uow: UnitOfWork) -> list[RegisteredKey]:
    registered = uow.keys.registered()
    new = ring.check_values().keys() - {key.key_id for key in registered}
    if not new:
        return registered
    # In the order given: the first key ever is the active one.
    for name, check_value in ring.check_values().items():
        if name in new:
            uow.keys.register(name, check_value)
    return uow.keys.registered()


def _refuse_others(ring: MasterKeys, registered: Iterable[RegisteredKey]) -> None:
    ours = ring.check_values()
    for key in registered:
        if key.key_id not in ours:
            if key.is_needed:
                raise KeyRefused(
                    f"The database has secrets under the master key {key.key_id}, "
                    "which MASTER_KEYS does not hold: add it."
                )
        elif not hmac.compare_digest(ours[key.key_id], key.check_value):
            raise KeyRefused(
                f"The master key {key.key_id} of MASTER_KEYS is not the one that this database's secrets are encrypted "
                "under: restore the key, or give the new one a new name."
            )


def _lacking(name: str) -> str:
    return f"MASTER_KEYS does not hold the master key {name}: add it."
