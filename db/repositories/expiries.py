"""The end of what is only good for a time."""

from typing import Final

from db.statement import Driver, Statement, from_text

_SESSIONS: Final = from_text(
    "expiries.sessions",
    """
    WITH over AS MATERIALIZED (
        SELECT id FROM gateway.sessions WHERE expires_at < now()
         ORDER BY expires_at LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    )
    DELETE FROM gateway.sessions s USING over WHERE s.id = over.id
    """,
)
_KEYS: Final = """
    WITH over AS MATERIALIZED (
        SELECT id FROM $table WHERE is_active AND expires_at IS NOT NULL AND expires_at < now()
         ORDER BY expires_at LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    )
    UPDATE $table k SET is_active = false FROM over WHERE k.id = over.id
    """
_BREAKERS: Final = from_text(
    "expiries.breakers",
    # Who calls the server again makes it anew, closed.
    """
    WITH idle AS MATERIALIZED (
        SELECT id FROM gateway.circuit_breakers
         WHERE greatest(last_failure_time, last_success_time, last_state_change) < now() - interval '7 days'
         LIMIT CAST(:limit AS integer) FOR UPDATE SKIP LOCKED
    )
    DELETE FROM gateway.circuit_breakers b USING idle WHERE b.id = idle.id
    """,
)
_ALL: Final[dict[str, Statement]] = {
    "sessions": _SESSIONS,
    "keys": from_text("expiries.keys", _KEYS, table="api_keys"),
    "gateway keys": from_text("expiries.gateway_keys", _KEYS, table="gateway.api_keys"),
    "enhanced keys": from_text("expiries.enhanced_keys", _KEYS, table="gateway.enhanced_api_keys"),
    "breakers": _BREAKERS,
}


class Expiries:
    """Sessions and idle circuit breakers go; keys stay, switched off."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def expire(self, *, limit: int) -> dict[str, int]:
        """End what is over, at most so many of each kind, the longest over first; count them by kind."""
        return {kind: statement.run(self._driver, limit=limit).rowcount for kind, statement in _ALL.items()}
