"""Partitions and their retention."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text

from db.statement import Driver, Statement

_ENSURE: Final = Statement(
    "partitions.ensure", text("SELECT partition_name, problem, is_busy FROM maintenance.keep_calendar()")
)
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
_ANALYZE: Final = Statement(
    "partitions.analyze", text("SELECT relation, is_busy FROM maintenance.analyze_some(:after, :milliseconds)")
)
_STRIP: Final = Statement("partitions.strip", text("SELECT maintenance.strip_foreign_keys()"))
_DROP: Final = Statement("partitions.drop", text("SELECT maintenance.drop_detached()"))
_DETACH: Final = Statement("partitions.detach", text("SELECT maintenance.detach_expired()"))
_SIZE: Final = Statement(
    "partitions.size",
    text(
        """
        SELECT coalesce(estimated_rows, 0), coalesce(total_bytes, 0) FROM maintenance.detached_partitions
         WHERE relation = :relation ORDER BY detached_at DESC LIMIT 1
        """
    ),
)
_UNARCHIVED: Final = Statement(
    "partitions.unarchived",
    # Those that still have foreign keys are freed of them first: until then their rows could vanish.
    text(
        """
        SELECT d.relation, d.parent, d.range_from, d.range_to, d.detached_at FROM maintenance.detached_partitions d
         WHERE d.dropped_at IS NULL AND d.archived_rows IS NULL
           AND (d.needs_archive OR EXISTS (
                SELECT FROM maintenance.data_retention_policies p
                 WHERE format('%I.%I', p.schema_name, p.table_name) = d.parent AND p.strategy = 'detach_archive'))
           AND d.relid = to_regclass(d.relation)
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = d.relid AND k.contype = 'f')
         ORDER BY d.range_from, d.relation
        """
    ),
)
_MARK_ARCHIVED: Final = Statement(
    "partitions.mark_archived", text("SELECT maintenance.mark_archived(:relation, :uri, :rows, :sha256)")
)
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


class Ensured(NamedTuple):
    """The partitions that were made, and a sentence for each that could not be: because of a lock, or at all."""

    made: list[str]
    waiting: list[str]
    failed: list[str]


@dataclass(frozen=True, slots=True)
class RetentionStep:
    """One step of retention: what was done (freed, dropped, detached) to which partition."""

    action: str
    relation: str
    rows: int = field(default=0, compare=False)
    """About how many it had when it was detached."""
    total_bytes: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Detached:
    """A partition that left its table and is not archived yet."""

    relation: str
    parent: str
    range_from: datetime
    range_to: datetime
    detached_at: datetime


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

    def ensure(self) -> Ensured:
        """Make the partitions that are missing up to the horizon of every table; mostly there are none.

        A table that cannot be given one, because somebody uses it for instance, keeps no other from theirs.
        """
        rows = _ENSURE.run(self._driver).fetchall()
        return Ensured(
            [name for name, problem, _ in rows if problem is None],
            [problem for _, problem, is_busy in rows if is_busy],
            [problem for _, problem, is_busy in rows if problem is not None and not is_busy],
        )

    def ensure_for(self, table: str, at: Sequence[datetime]) -> list[str]:
        """Make the partitions of a table that rows of these times need; return the names of those that were missing.

        Raises DataRefused for a time that the table does not keep.  Call it in a transaction of its own.
        """
        schema, _, name = table.rpartition(".")
        cursor = _ENSURE_FOR.run(self._driver, schema_name=schema or "public", table_name=name, at=list(at))
        return [row[0] for row in cursor]

    def analyze(self, *, after: str = "", milliseconds: int = 5_000) -> dict[str, bool]:
        """Gather statistics of the tables that follow a name, partitioned ones included, for about so long.

        Returns which they were and whether somebody was in the way; none when none is left.
        """
        return dict(iter(_ANALYZE.run(self._driver, after=after, milliseconds=milliseconds)))

    def retain(self) -> RetentionStep | None:
        """Take one step of retention, or return None when nothing is left to do.

        One step per transaction: each holds strong locks on one table until the commit.  Tables in use are skipped.
        """
        for action, statement in _STEPS:
            relation = statement.run(self._driver).fetchall()[0][0]
            if relation is not None:
                return RetentionStep(action, relation, *self._size(relation))
        return None

    def _size(self, relation: str) -> tuple[int, int]:
        found = _SIZE.run(self._driver, relation=relation).fetchone()
        return found or (0, 0)

    def unarchived(self) -> list[Detached]:
        """Return the detached partitions that wait for their archive, the oldest first; a worker may read them."""
        return [Detached(*row) for row in _UNARCHIVED.run(self._driver)]

    def mark_archived(self, relation: str, *, uri: str, rows: int, sha256: str) -> bool:
        """Remember where a detached partition is archived, so that it may be dropped; False if it was remembered.

        The rows are counted against the partition: DataRefused if they differ, or if it is not one that was detached.
        """
        found = _MARK_ARCHIVED.run(self._driver, relation=relation, uri=uri, rows=rows, sha256=sha256)
        return bool(found.fetchall()[0][0])

    def horizon(self) -> list[Horizon]:
        """Return how far the partitions of each table reach."""
        return [Horizon(*row) for row in _HORIZON.run(self._driver)]


_STEPS: Final = (
    # A detached partition is freed of its foreign keys before anything else happens to it.
    ("freed", _STRIP),
    ("dropped", _DROP),
    ("detached", _DETACH),
)
