"""Results of validating API keys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import UnknownKey, UnknownService
from db.statement import Driver, Statement, from_file
from db.storable import storable_json

_EXPIRE: Final = Statement(
    "cache.expire",
    text(
        """
        WITH stale AS MATERIALIZED (
            SELECT ctid FROM api_key_validation_cache WHERE expires_at < now()
             ORDER BY expires_at LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
        )
        DELETE FROM api_key_validation_cache c USING stale WHERE c.ctid = stale.ctid
        """
    ),
)
_LOOK_UP: Final = Statement(
    "cache.look_up",
    text(
        """
        SELECT is_valid FROM api_key_validation_cache
         WHERE user_id = :user_id AND service_type = :service_type AND key_hash = :key_hash AND expires_at > now()
        """
    ),
)
_RECORD: Final = from_file("cache.record")


class ValidationCache:
    """What services said about keys, for as long as it is fresh."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def expire(self, limit: int = 5000) -> int:
        """Delete the oldest stale results; fewer than the limit means that none is left."""
        return _EXPIRE.run(self._driver, limit=limit).rowcount

    def record(
        self, user_id: UUID, service_type: str, *, is_valid: bool, response: Mapping[str, object], at: datetime
    ) -> bool:
        """Keep what a service said about the key that the user had then; False if that is known better, or over."""
        row = _RECORD.run(
            self._driver,
            user_id=user_id,
            service_type=service_type,
            is_valid=is_valid,
            response=storable_json(dict(response)),
            at=at,
        ).fetchone()
        knows_service, knows_key, recorded = row or (False,) * 3
        if not knows_service:
            raise UnknownService(f"No shared service {service_type} is registered.")
        if not knows_key:
            raise UnknownKey(f"The user {user_id} has no key for {service_type}: store it first.")
        return bool(recorded)

    def look_up(self, user_id: UUID, service_type: str, key_hash: str) -> bool | None:
        """Return whether the service took the key, None when that is not known or no longer fresh."""
        row = _LOOK_UP.run(self._driver, user_id=user_id, service_type=service_type, key_hash=key_hash).fetchone()
        return None if row is None else bool(row[0])
