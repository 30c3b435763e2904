"""Results of validating API keys."""

from typing import Final

from sqlalchemy import text

from db.statement import Driver, Statement

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


class ValidationCache:
    """What services said about keys, for as long as it is fresh."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def expire(self, limit: int = 5000) -> int:
        """Delete the oldest stale results; fewer than the limit means that none is left."""
        return _EXPIRE.run(self._driver, limit=limit).rowcount
