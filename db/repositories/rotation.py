"""Master keys taking each other's place: which is active, what is under which, and wrapping anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file, from_text
from db.storable import storable_json

KeyTable: TypeAlias = Literal["api_keys", "api_keys_archive"]

_STAND_DOWN: Final = Statement(
    "rotation.stand_down",
    text("UPDATE encryption_keys SET status = 'decrypt_only' WHERE status = 'active' AND key_id <> :key_id"),
)
_ACTIVATE: Final = Statement(
    "rotation.activate",
    text(
        "UPDATE encryption_keys SET status = 'active' WHERE key_id = :key_id AND status <> 'retired' RETURNING key_id"
    ),
)
_RETIRE: Final = Statement(
    "rotation.retire",
    # Foreign keys refuse it while a secret is under the key, also one that is being written.
    text(
        "UPDATE encryption_keys SET status = 'retired', retired_at = now()"
        " WHERE key_id = :key_id AND status = 'decrypt_only' RETURNING key_id"
    ),
)
_STATUS: Final = Statement(
    "rotation.status",
    text(
        """
        SELECT e.key_id, e.check_value, e.status, e.created_at, e.retired_at,
               (SELECT count(*) FROM api_keys k WHERE k.encryption_key_id = e.key_id),
               (SELECT count(*) FROM api_keys_archive a WHERE a.encryption_key_id = e.key_id),
               (SELECT count(*) FROM user_service_instances s WHERE s.encryption_key_id = e.key_id)
          FROM encryption_keys e ORDER BY e.created_at, e.key_id
        """
    ),
)
_KEYS_UNDER: Final = {
    table: from_text(
        f"rotation.under_{table}",
        """
        SELECT id, user_id, mcp_type_id, encrypted_dek FROM $table
         WHERE encryption_key_id = :key_id AND id > :after ORDER BY id LIMIT CAST(:limit AS integer)
        """,
        table=table,
        anew=True,
    )
    for table in ("api_keys", "api_keys_archive")
}
_SHARES_UNDER: Final = Statement(
    "rotation.under_shares",
    text(
        """
        SELECT instance_id, user_id, service_type, encrypted_api_key, encrypted_additional_credentials
          FROM user_service_instances
         WHERE encryption_key_id = :key_id AND instance_id > :after
         ORDER BY instance_id LIMIT CAST(:limit AS integer)
        """
    ),
    anew=True,
)
_REWRAP_KEYS: Final = {
    table: from_file("rotation.rewrap_keys", name=f"rotation.rewrap_{table}", parts={"table": table})
    for table in ("api_keys", "api_keys_archive")
}
_REWRAP_SHARES: Final = from_file("rotation.rewrap_shares")


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """Where a key belongs, and its wrapped data key."""

    id: UUID
    user_id: UUID
    mcp_type_id: UUID
    encrypted_dek: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class WrappedShare:
    """Where the secrets of a share belong, and the secrets with their wrapped data keys."""

    id: str
    user_id: UUID
    service_type: str
    encrypted_api_key: str = field(repr=False)
    credentials: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """A master key, and how many secrets are under it."""

    key_id: str
    check_value: str
    status: str
    created_at: datetime
    retired_at: datetime | None
    keys: int
    archived_keys: int
    shares: int

    @property
    def total(self) -> int:
        """Return how many rows are under it."""
        return self.keys + self.archived_keys + self.shares


class Rotation:
    """What takes secrets from one master key to another; ciphertext stays as it is."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def stand_down(self, key_id: str) -> None:
        """Leave the active key to reading, unless it is this one; before another is activated."""
        _STAND_DOWN.run(self._driver, key_id=key_id)

    def activate(self, key_id: str) -> bool:
        """Have new secrets encrypted under a key; False if it is not registered, or retired."""
        return _ACTIVATE.run(self._driver, key_id=key_id).fetchone() is not None

    def retire(self, key_id: str) -> bool:
        """Retire a key that is only read with; False for another, ReferenceMissing if something is under it."""
        return _RETIRE.run(self._driver, key_id=key_id).fetchone() is not None

    def status(self) -> list[KeyStatus]:
        """Return all master keys, the oldest first."""
        return [KeyStatus(*row) for row in _STATUS.run(self._driver)]

    def keys_under(self, table: KeyTable, key_id: str, *, after: UUID, limit: int) -> list[WrappedKey]:
        """Return the keys under a master key, by id: pass the last id of a page to get the next."""
        cursor = _KEYS_UNDER[table].run(self._driver, key_id=key_id, after=after, limit=limit)
        return [WrappedKey(*row) for row in cursor]

    def shares_under(self, key_id: str, *, after: str, limit: int) -> list[WrappedShare]:
        """Return the shares under a master key, by id: pass the last id of a page to get the next."""
        cursor = _SHARES_UNDER.run(self._driver, key_id=key_id, after=after, limit=limit)
        return [WrappedShare(*row) for row in cursor]

    def rewrap_keys(self, table: KeyTable, before: Sequence[WrappedKey], after: Sequence[WrappedKey], to: str) -> int:
        """Put new wrapped data keys in the place of the old; rows that changed or are in use stay. Returns how many."""
        cursor = _REWRAP_KEYS[table].run(
            self._driver,
            ids=[key.id for key in before],
            olds=[key.encrypted_dek for key in before],
            news=[key.encrypted_dek for key in after],
            key_id=to,
        )
        return cursor.rowcount

    def rewrap_shares(self, before: Sequence[WrappedShare], after: Sequence[WrappedShare], to: str) -> int:
        """Put rewrapped secrets in the place of the old; rows that changed or are in use stay. Returns how many."""
        cursor = _REWRAP_SHARES.run(
            self._driver,
            ids=[share.id for share in before],
            olds=[share.encrypted_api_key for share in before],
            news=[share.encrypted_api_key for share in after],
            old_credentials=[storable_json(dict(share.credentials)) for share in before],
            new_credentials=[storable_json(dict(share.credentials)) for share in after],
            key_id=to,
        )
        return cursor.rowcount
