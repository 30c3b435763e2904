"""Dedicated instances and keys that shared services took the place of, on their way out."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file

_USERS: Final = Statement(
    "archives.users",
    text(
        """
        SELECT DISTINCT user_id FROM shared_moves WHERE CAST(:after AS uuid) IS NULL OR user_id > CAST(:after AS uuid)
         ORDER BY user_id LIMIT :limit
        """
    ),
)
_HOLD_INSTANCES: Final = Statement(
    "archives.hold_instances",
    text(
        """
        SELECT i.id FROM mcp_instances i
         WHERE i.user_id = ANY (:user_ids) AND NOT i.is_active
           AND EXISTS (
               SELECT FROM shared_moves m WHERE m.user_id = i.user_id AND m.mcp_type_id = i.mcp_type_id
                  AND NOT EXISTS (SELECT FROM api_keys k WHERE k.user_id = i.user_id
                                     AND k.mcp_type_id = i.mcp_type_id AND k.created_at > m.moved_at))
         ORDER BY i.id FOR UPDATE SKIP LOCKED
        """
    ),
)
_HOLD_KEYS: Final = Statement(
    "archives.hold_keys",
    text(
        """
        SELECT k.id FROM api_keys k JOIN shared_moves m ON m.api_key_id = k.id
         WHERE k.user_id = ANY (:user_ids) ORDER BY k.id FOR UPDATE OF k SKIP LOCKED
        """
    ),
)
_MOVE_INSTANCES: Final = from_file("archives.move_instances")
_MOVE_KEYS: Final = from_file("archives.move_keys")
_WAITING: Final = from_file("archives.waiting")


class Archives:
    """Only what moved to a shared service and is no longer in use goes to the archive."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def users(self, *, after: UUID | None, limit: int) -> list[UUID]:
        """Return the next users of whom something moved."""
        return [row[0] for row in _USERS.run(self._driver, after=after, limit=limit)]

    def hold_instances(self, user_ids: Sequence[UUID]) -> list[UUID]:
        """Lock the instances of these users that may be archived, so that no line or event can come in between.

        To be followed by `move_instances`, whose snapshot is newer: it sees what came before the lock.
        """
        return [row[0] for row in _HOLD_INSTANCES.run(self._driver, user_ids=list(user_ids))]

    def move_instances(self, instance_ids: Sequence[UUID]) -> int:
        """Archive those of the held that are not live and have no lines or checks left; their events go along."""
        return len(_MOVE_INSTANCES.run(self._driver, instance_ids=list(instance_ids)).fetchall())

    def hold_keys(self, user_ids: Sequence[UUID]) -> list[UUID]:
        """Lock the keys of these users that moved, so that no instance can begin to use one."""
        return [row[0] for row in _HOLD_KEYS.run(self._driver, user_ids=list(user_ids))]

    def move_keys(self, api_key_ids: Sequence[UUID]) -> int:
        """Archive those of the held keys that no instance uses."""
        return len(_MOVE_KEYS.run(self._driver, api_key_ids=list(api_key_ids)).fetchall())

    def waiting(self, user_ids: Sequence[UUID]) -> dict[str, int]:
        """Count what moved and is still there, by what keeps it there."""
        return dict(_WAITING.run(self._driver, user_ids=list(user_ids)).fetchall())
