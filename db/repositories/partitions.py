"""Partitions and their retention."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text

from db.statement import Driver, Statement

_ENSURE: Final = Statement("partitions.ensure", text("SELECT maintenance.ensure_partitions()"))
_ENSURE_FOR: Final = Statement(
    "partitions.ensure_for",
    text(
        """
        SELECT made
          FROM (SELECT DISTINCT date_trunc('day', at) AS day FROM unnest(CAST(:at AS timestamptz[])) AS at) days
         CROSS JOIN LATERAL maintenance.create_partition(:schema_name, :table_name, day) AS made
         WHERE made IS NOT NULL
        """
    ),
)
_STRIP: Final = Statement("partitions.strip", text("SELECT maintenance.strip_foreign_keys()"))
_DROP: Final = Statement("partitions.drop", text("SELECT maintenance.drop_detached()"))
_DETACH: Final = Statement("partitions.detach", text("SELECT maintenance.detach_expired()"))
_HORIZON: Final = Statement(
    "partitions.horizon",
    text(
        """
        SELECT schema_name, table_name, partitions, covered_from, covered_to, horizon, gaps, detach_pending, expired,
               retention_days, estimated_rows, total_bytes
          FROM maintenance.partition_health ORDER BY schema_name, table_name
        """
    ),
)


@dataclass(frozen=True, slots=True)
class RetentionStep:
    """One step of retention: what was done (freed, dropped, detached) to which partition."""

    action: str
    relation: str


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far the partitions of a table reach, and what is wrong with them."""

    schema_name: str
    table_name: str
    partitions: int
    covered_from: datetime | None
    covered_to: datetime | None
    ahead: timedelta | None
    gaps: int
    detach_pending: int
    expired: int
    retention_days: int
    estimated_rows: int
    total_bytes: int


class Partitions:
    """Made and retired through functions of the owner; a worker may not change the schema itself."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def ensure(self) -> list[str]:
        """Make the partitions that are missing up to the horizon of every table; return their names, mostly none."""
        return list(_ENSURE.run(self._driver).fetchall()[0][0])

    def ensure_for(self, table: str, at: Sequence[datetime], *, schema: str = "public") -> list[str]:
        """Make the partitions of a table that rows of these times need; return the names of those that were missing.

        Raises DataRefused for a time that the table does not keep.  Call it in a transaction of its own.
        """
        cursor = _ENSURE_FOR.run(self._driver, schema_name=schema, table_name=table, at=list(at))
        return [row[0] for row in cursor]

    def retain(self) -> RetentionStep | None:
        """Take one step of retention, or return None when nothing is left to do.

        One step per transaction: each holds strong locks on one table until the commit.  Tables in use are skipped.
        """
        for action, statement in _STEPS:
            relation = statement.run(self._driver).fetchall()[0][0]
            if relation is not None:
                return RetentionStep(action, relation)
        return None

    def horizon(self) -> list[Horizon]:
        """Return how far the partitions of each table reach."""
        return [Horizon(*row) for row in _HORIZON.run(self._driver)]


_STEPS: Final = (
    # A detached partition is freed of its foreign keys before anything else happens to it.
    ("freed", _STRIP),
    ("dropped", _DROP),
    ("detached", _DETACH),
)
