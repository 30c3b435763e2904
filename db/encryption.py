"""The master keys of this process, and whether they are the ones of the database.

A key that was lost or changed makes every secret unreadable, and a process that starts anyway writes
new secrets under it.  So the database remembers a check value of each key, and a process whose keys do
not fit it does not start.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final, Self

from db.engine import Database
from db.errors import KeyRefused

KEY_BYTES: Final = 32
_CANARY: Final = b"minimcp master key 1"
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
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
        return cls(dict(_entry(entry.strip()) for entry in text.split(",") if entry.strip()))

    def check_values(self) -> dict[str, str]:
        """Return what the database may know of each key."""
        return {name: hmac.new(key, _CANARY, hashlib.sha256).hexdigest() for name, key in self._keys.items()}


def verify(ring: KeyRing, database: Database) -> None:
    """Register new keys; raise KeyRefused unless every key that the database's secrets need is here, unchanged."""
    ours = ring.check_values()
    with database.transaction() as uow:
        known = {key.key_id for key in uow.keys.registered()}
        for name, check_value in ours.items():
            if name not in known:
                uow.keys.register(name, check_value)
        registered = uow.keys.registered()
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


def _entry(entry: str) -> tuple[str, bytes]:
    name, _, encoded = entry.partition(":")
    if not _NAME.fullmatch(name):
        raise KeyRefused(f"A key in MASTER_KEYS has no usable name: give each as {_EXAMPLE}.")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyRefused(f"The key {name} in MASTER_KEYS is not {KEY_BYTES} bytes in base64: give it as {_EXAMPLE}.")
    return name, key
