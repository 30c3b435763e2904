"""The ports of hosts."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement

_OPEN: Final = Statement(
    "ports.open",
    text(
        """
        INSERT INTO port_allocations (host_id, port)
        SELECT CAST(:host_id AS text), generate_series(CAST(:first AS integer), CAST(:last AS integer))
        ON CONFLICT DO NOTHING
        """
    ),
)
_COUNTS: Final = Statement(
    "ports.counts",
    text(
        """
        SELECT count(*) FILTER (WHERE is_available), count(*) FILTER (WHERE mcp_instance_id IS NOT NULL), count(*)
          FROM port_allocations WHERE host_id = :host_id
        """
    ),
)
_HELD: Final = Statement(
    "ports.held_by", text("SELECT host_id, port FROM port_allocations WHERE mcp_instance_id = :instance_id")
)
_STRANDED: Final = Statement(
    "ports.stranded",
    # Leases end with their instance; these two kinds are what is left when something else ended it.
    text(
        """
        SELECT p.host_id, p.port FROM port_allocations p
          LEFT JOIN mcp_instances i ON i.id = p.mcp_instance_id
         WHERE NOT p.is_available
           AND (i.id IS NULL OR i.deleted_at IS NOT NULL OR i.status NOT IN ('pending', 'running'))
           AND (p.host_id, p.port) > (:after_host, :after_port)
         ORDER BY p.host_id, p.port LIMIT CAST(:limit AS integer)
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a host."""

    host_id: str
    port: int


@dataclass(frozen=True, slots=True)
class PortCounts:
    """How many ports of a host are free and leased; what is neither waits to be reconciled."""

    available: int
    leased: int
    total: int


class Ports:
    """The pools that instances lease from."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def open(self, host_id: str, first: int, last: int) -> int:
        """Let instances lease the ports of a host from the first to the last; return how many are new."""
        return _OPEN.run(self._driver, host_id=host_id, first=first, last=last).rowcount

    def counts(self, host_id: str) -> PortCounts:
        """Return how many ports of a host are free."""
        return PortCounts(*_COUNTS.run(self._driver, host_id=host_id).fetchall()[0])

    def held_by(self, instance_id: UUID) -> Port | None:
        """Return the port that an instance leases."""
        row = _HELD.run(self._driver, instance_id=instance_id).fetchone()
        return None if row is None else Port(*row)

    def stranded(self, *, after: Port | None = None, limit: int = 500) -> list[Port]:
        """Return ports that are not free although no live instance leases them."""
        mark = after or Port("", 0)
        cursor = _STRANDED.run(self._driver, after_host=mark.host_id, after_port=mark.port, limit=limit)
        return [Port(*row) for row in cursor]
