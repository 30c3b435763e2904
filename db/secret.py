"""A secret of one row: AES-256-GCM under a data key of its own, which a master key wraps.

Both layers are bound to the place of the secret: table, row, user and type.  Ciphertext that somebody copies to
another row, or to another user's, is refused there.  The binding of the secret itself leaves the master key out, so
that rotation wraps only the data key anew.
"""

import base64
import binascii
import os
from dataclasses import dataclass, field, replace
from typing import Final, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from db.errors import SecretUnreadable
from db.master_keys import MasterKeys

_NONCE_BYTES: Final = 12
_DATA_KEY_BITS: Final = 256
_VERSION: Final = "v1"
_PARTS: Final = 4


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs; it can be read nowhere else."""

    table: str
    row_id: str
    user_id: str
    type_id: str

    def bound(self, purpose: str, *more: str) -> bytes:
        """Give the bytes that a ciphertext is bound to; lengths keep ("user1g", "x") apart from ("user1", "gx")."""
        parts = [part.encode() for part in (purpose, self.table, self.row_id, self.user_id, self.type_id, *more)]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def place_of_key(api_key_id: UUID, user_id: UUID, mcp_type_id: UUID) -> Place:
    """Name the place of a dedicated key, in `api_keys`."""
    return Place("api_keys", str(api_key_id), str(user_id), str(mcp_type_id))


def place_of_share(instance_id: str, user_id: UUID, service_type: str) -> Place:
    """Name the place of the key of a user's share of a service, in `user_service_instances`."""
    return Place("user_service_instances", instance_id, str(user_id), service_type)


@dataclass(frozen=True, slots=True)
class Secret:
    """What is stored of a secret: the master key's name and, in base64, the wrapped data key, nonce and ciphertext."""

    key_id: str
    data_key: str
    nonce: str
    ciphertext: str = field(repr=False)

    @classmethod
    def parse(cls, token: str) -> Self:
        """Read what `token` wrote; SecretUnreadable says that it is none."""
        version, *parts = token.split(".")
        # The name of a master key may hold dots itself.
        if version != _VERSION or len(parts) < _PARTS:
            raise SecretUnreadable("What is stored is no secret of this version: it was damaged, or is of newer code.")
        return cls(".".join(parts[:-3]), *parts[-3:])

    def token(self) -> str:
        """Give all of it as one text, for a table that keeps it in one column."""
        return f"{_VERSION}.{self.key_id}.{self.data_key}.{self.nonce}.{self.ciphertext}"


def encrypt(plaintext: str, place: Place, ring: MasterKeys, key_id: str) -> Secret:
    """Encrypt for one place under a new data key, which the named master key wraps."""
    data_key = AESGCM.generate_key(_DATA_KEY_BITS)
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(data_key).encrypt(nonce, plaintext.encode(), place.bound("secret"))
    wrapped = ring.wrap(key_id, data_key, place.bound("data key", key_id))
    return Secret(key_id, _text(wrapped), _text(nonce), _text(sealed))


def rewrap(secret: Secret, place: Place, ring: MasterKeys, key_id: str) -> Secret:
    """Give the same secret with its data key under another master key; its ciphertext stays."""
    wrapped = ring.wrap(key_id, _data_key(secret, place, ring), place.bound("data key", key_id))
    return replace(secret, key_id=key_id, data_key=_text(wrapped))


def decrypt(secret: Secret, place: Place, ring: MasterKeys) -> str:
    """Give the plaintext; SecretUnreadable when it is not the one of this place, or its master key is not here."""
    data_key = _data_key(secret, place, ring)
    try:
        return AESGCM(data_key).decrypt(_bytes(secret.nonce), _bytes(secret.ciphertext), place.bound("secret")).decode()
    except (InvalidTag, ValueError):
        # Another row's ciphertext and damage look the same, and must.
        raise SecretUnreadable(
            f"A secret of {place.table} does not fit its row: it was damaged, or moved from another row."
        ) from None


def _data_key(secret: Secret, place: Place, ring: MasterKeys) -> bytes:
    return ring.unwrap(secret.key_id, _bytes(secret.data_key), place.bound("data key", secret.key_id))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise SecretUnreadable("What is stored is not base64: it was damaged.") from None
