"""The master keys of this process, and whether they are the ones of the database.

A key that was lost or changed makes every secret unreadable, and a process that starts anyway writes
new secrets under it.  So the database remembers a check value of each key, and a process whose keys do
not fit it does not start.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from db.engine import Database
from db.errors import KeyRefused, SecretUnreadable
from db.named_keys import KEY_BYTES, named_keys
from db.repositories.keys import RegisteredKey
from db.unit_of_work import UnitOfWork

_CANARY: Final = b"minimcp master key 1"
_WRAPPING: Final = b"minimcp wrapping key 1"
_EXAMPLE: Final = (
    'NAME:KEY, where KEY comes from `python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())"`'
)


@dataclass(frozen=True)
class KeyRing:
    """Master keys by name, in the order given."""

    _keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `NAME:BASE64,…`; KeyRefused says what is wrong without repeating a key."""
        return cls(named_keys(text, setting="MASTER_KEYS", example=_EXAMPLE))

    def check_values(self) -> dict[str, str]:
        """Return what the database may know of each key."""
        return {name: hmac.new(key, _CANARY, hashlib.sha256).hexdigest() for name, key in self._keys.items()}

    def wrapping_key(self, name: str) -> bytes:
        """Return the key that wraps data keys, derived from a master key; SecretUnreadable if that is not here."""
        key = self._keys.get(name)
        if key is None:
            raise SecretUnreadable(f"MASTER_KEYS does not hold the master key {name}: add it.")
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=_WRAPPING).derive(key)


def verify(ring: KeyRing, database: Database) -> None:
    """Register new keys; raise KeyRefused unless every key that the database's secrets need is here, unchanged."""
    with database.transaction() as uow:
        registered = _register(ring, uow)
    _refuse_others(ring, registered)


def active_key(ring: KeyRing, uow: UnitOfWork) -> str:
    """Verify the keys within a transaction and name the one that new secrets are encrypted under."""
    registered = _register(ring, uow)
    _refuse_others(ring, registered)
    for key in registered:
        if key.status == "active":
            return key.key_id
    raise KeyRefused(f"There is no master key to encrypt under: set MASTER_KEYS to {_EXAMPLE}.")


def _register(ring: KeyRing, uow: UnitOfWork) -> list[RegisteredKey]:
    known = {key.key_id for key in uow.keys.registered()}
    for name, check_value in ring.check_values().items():
        if name not in known:
            uow.keys.register(name, check_value)
    return uow.keys.registered()


def _refuse_others(ring: KeyRing, registered: Iterable[RegisteredKey]) -> None:
    ours = ring.check_values()
    for key in registered:
        if key.key_id not in ours:
            raise KeyRefused(
                f"The database has secrets under the master key {key.key_id}, which MASTER_KEYS does not hold: add it."
            )
        if not hmac.compare_digest(ours[key.key_id], key.check_value):
            raise KeyRefused(
                f"The master key {key.key_id} of MASTER_KEYS is not the one that this database's secrets are encrypted "
                "under: restore the key, or give the new one a new name."
            )
