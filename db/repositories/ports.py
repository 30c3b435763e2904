"""The ports of hosts, which instances lease."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import DatabaseError
from db.statement import Driver, Statement, from_file

_OPEN: Final = from_file("ports.open")
_RECONCILE: Final = from_file("ports.reconcile")
_COUNTS: Final = Statement(
    "ports.counts",
    text(
        """
        SELECT count(*) FILTER (WHERE is_available), count(*) FILTER (WHERE mcp_instance_id IS NOT NULL),
               count(*) FILTER (WHERE set_aside_at IS NOT NULL), count(*)
          FROM port_allocations WHERE host_id = :host_id
        """
    ),
)
_HELD: Final = Statement(
    "ports.held_by", text("SELECT host_id, port FROM port_allocations WHERE mcp_instance_id = :instance_id")
)


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a host."""

    host_id: str
    port: int


@dataclass(frozen=True, slots=True)
class PortCounts:
    """How many ports of a host are free, leased and set aside; what is none of these waits to be reconciled."""

    available: int
    leased: int
    set_aside: int
    total: int


@dataclass(frozen=True, slots=True)
class Reconciled:
    """How many ports were freed that nobody uses, taken out of the range, and put into it."""

    released: int
    removed: int
    added: int

    @property
    def total(self) -> int:
        """Count the ports that were not as they should be."""
        return self.released + self.removed + self.added


class Ports:
    """Leases begin and end with their instances; this keeps the pool that they are taken from."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def open(self, host_id: str) -> int:
        """Give a host the ports of the range in the settings; says how many it has then."""
        ports = len(_OPEN.run(self._driver, host_id=host_id).fetchall())
        if not ports:
            raise DatabaseError("The settings port.range_start and port.range_end leave no port: set a range.")
        return ports

    def reconcile(self) -> Reconciled:
        """Free what no live instance holds and what was set aside long enough, and follow the range's settings."""
        return Reconciled(*_RECONCILE.run(self._driver).fetchall()[0])

    def counts(self, host_id: str) -> PortCounts:
        """Return how many ports of a host are free."""
        return PortCounts(*_COUNTS.run(self._driver, host_id=host_id).fetchall()[0])

    def held_by(self, instance_id: UUID) -> Port | None:
        """Return the port that an instance leases."""
        row = _HELD.run(self._driver, instance_id=instance_id).fetchone()
        return None if row is None else Port(*row)
