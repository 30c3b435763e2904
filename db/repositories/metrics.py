"""Samples of what the gateway's servers report of themselves."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import text

from db.recording import Facts, record, recording
from db.statement import Driver, Statement

_TABLE: Final = "gateway.server_metrics"
_HOLD: Final = Statement(
    "metrics.hold_servers",
    text("SELECT id FROM gateway.mcp_servers WHERE id = ANY (:ids) ORDER BY id FOR KEY SHARE"),
)
_RECORD: Final = recording(
    "metrics.record",
    _TABLE,
    id="uuid",
    server_id="text",
    timestamp="timestamptz",
    response_time_ms="double precision",
    requests_per_second="double precision",
    error_rate="double precision",
    cpu_usage="double precision",
    memory_usage_mb="double precision",
    active_connections="integer",
    connection_pool_size="integer",
    custom_metrics="jsonb",
)


class Metrics:
    """Append-only; each sample belongs to a server."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def hold_servers(self, ids: Collection[str]) -> set[str]:
        """Return those that exist and keep them from being deleted until the transaction ends."""
        return {row[0] for row in _HOLD.run(self._driver, ids=list(ids))} if ids else set()

    def record(self, rows: Sequence[Facts]) -> None:
        """Store samples of servers, which are held before."""
        record(self._driver, _RECORD, rows, table=_TABLE, dated="timestamp")
