"""Dedicated keys on their way to shares of shared services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file
from db.storable import storable_json

Outcome = Literal["migrated", "superseded"]

_USERS: Final = Statement(
    "moves.users",
    text(
        """
        SELECT u.id FROM users u
         WHERE (CAST(:after AS uuid) IS NULL OR u.id > CAST(:after AS uuid))
           AND (CAST(:user_id AS uuid) IS NULL OR u.id = CAST(:user_id AS uuid))
           AND (EXISTS (SELECT FROM api_keys k WHERE k.user_id = u.id)
                OR EXISTS (SELECT FROM mcp_instances i WHERE i.user_id = u.id AND i.is_active))
         ORDER BY u.id LIMIT :limit
        """
    ),
)
_HOLD_KEYS: Final = Statement(
    "moves.hold_keys",
    text("SELECT id FROM api_keys WHERE user_id = ANY (:user_ids) ORDER BY id FOR NO KEY UPDATE"),
)
_KNOWS_USER: Final = Statement("moves.knows_user", text("SELECT FROM users WHERE id = :user_id"))
_KNOWS_SERVICE: Final = Statement(
    "moves.knows_service", text("SELECT FROM service_registry WHERE service_type = :service_type")
)
_FOUND: Final = from_file("moves.found")
_SHARE: Final = Statement(
    "moves.share",
    text(
        """
        INSERT INTO user_service_instances
               (instance_id, user_id, service_type, encrypted_api_key, encryption_key_id, key_fingerprint, config,
                migrated_from_instance_id, created_at, last_used_at)
        VALUES (:instance_id, :user_id, :service_type, :encrypted_api_key, :encryption_key_id, :key_fingerprint,
                CAST(:config AS jsonb), :from_instance_id, :created_at, :last_used_at)
        ON CONFLICT (user_id, service_type) DO NOTHING RETURNING instance_id
        """
    ),
)
_RECORD: Final = Statement(
    "moves.record",
    # A key that took the place of one that moved is a new key in an old row; one that did so since the transaction
    # began moved nevertheless, so its beginning would be too early.
    text(
        """
        INSERT INTO shared_moves
               (api_key_id, user_id, mcp_type_id, service_type, instance_id, outcome, from_instance_id, moved_at)
        VALUES (:api_key_id, :user_id, :mcp_type_id, :service_type, :instance_id, :outcome, :from_instance_id,
                clock_timestamp())
        ON CONFLICT (api_key_id) DO UPDATE
           SET service_type = excluded.service_type, instance_id = excluded.instance_id, outcome = excluded.outcome,
               from_instance_id = excluded.from_instance_id, moved_at = excluded.moved_at
        """
    ),
)


@dataclass(frozen=True, slots=True)
class DedicatedKey:
    """A user's key for dedicated instances of a type, or a live instance without one; `obstacle` keeps it there."""

    user_id: UUID
    mcp_type_id: UUID
    mcp_type: str
    service_type: str | None
    api_key_id: UUID | None
    encryption_key_id: str | None
    encrypted_dek: str | None
    encryption_iv: str | None
    encrypted_key: str | None = field(repr=False)
    key_fingerprint: str | None
    instance_id: UUID | None
    config: Mapping[str, Any]
    created_at: datetime
    last_used_at: datetime | None
    obstacle: str | None


class Moves:
    """Which keys can move, and which did."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def users(self, *, after: UUID | None, limit: int, user_id: UUID | None = None) -> list[UUID]:
        """Return the next users who have keys or live instances of their own."""
        return [row[0] for row in _USERS.run(self._driver, after=after, limit=limit, user_id=user_id)]

    def knows_user(self, user_id: UUID) -> bool:
        """Say whether there is such a user, deleted or not."""
        return _KNOWS_USER.run(self._driver, user_id=user_id).fetchone() is not None

    def knows_service(self, service_type: str) -> bool:
        """Say whether such a service is registered."""
        return _KNOWS_SERVICE.run(self._driver, service_type=service_type).fetchone() is not None

    def hold_keys(self, user_ids: Sequence[UUID]) -> None:
        """Keep others from changing the keys of these users until the transaction ends; what they did is seen then."""
        _HOLD_KEYS.run(self._driver, user_ids=list(user_ids))

    def found(self, user_ids: Sequence[UUID], *, service_type: str | None = None) -> list[DedicatedKey]:
        """Return the dedicated keys of these users by user and service, newest first, with what is in their way."""
        rows = _FOUND.run(self._driver, user_ids=list(user_ids), service_type=service_type)
        return [DedicatedKey(*row[:-1]) for row in rows]

    def share(self, instance_id: str, key: DedicatedKey, *, encrypted_api_key: str, encryption_key_id: str) -> bool:
        """Give the user a share of the service in place of dedicated instances; False if there is one already."""
        row = _SHARE.run(
            self._driver,
            instance_id=instance_id,
            user_id=key.user_id,
            service_type=key.service_type,
            encrypted_api_key=encrypted_api_key,
            encryption_key_id=encryption_key_id,
            key_fingerprint=key.key_fingerprint,
            config=storable_json(dict(key.config)),
            from_instance_id=key.instance_id,
            created_at=key.created_at,
            last_used_at=key.last_used_at,
        ).fetchone()
        return row is not None

    def record(self, key: DedicatedKey, instance_id: str, outcome: Outcome) -> None:
        """Remember that the key moved to a share, or that a newer one did in its place."""
        _RECORD.run(
            self._driver,
            api_key_id=key.api_key_id,
            user_id=key.user_id,
            mcp_type_id=key.mcp_type_id,
            service_type=key.service_type,
            instance_id=instance_id,
            outcome=outcome,
            from_instance_id=key.instance_id,
        )
