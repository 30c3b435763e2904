"""How long tables keep their rows, and what is to go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file

_PLAN: Final = from_file("retention.plan")
_POLICIES: Final = Statement(
    "retention.policies",
    text(
        """
        SELECT format('%I.%I', schema_name, table_name) AS name, retention_days, strategy, grace_days, is_active,
               description, partition_unit FROM maintenance.data_retention_policies
        UNION ALL
        SELECT table_name, keep_days, 'delete', 0, is_active, description, NULL FROM maintenance.row_policies
         ORDER BY name
        """
    ),
)
_SET: Final = Statement(
    "retention.set",
    text(
        """
        UPDATE maintenance.data_retention_policies
           SET retention_days = coalesce(CAST(:days AS integer), retention_days),
               strategy = coalesce(CAST(:strategy AS text), strategy),
               grace_days = coalesce(CAST(:grace_days AS integer), grace_days)
         WHERE format('%I.%I', schema_name, table_name) = :name
        """
    ),
)
_SET_ROWS: Final = Statement(
    "retention.set_rows",
    text("UPDATE maintenance.row_policies SET keep_days = :days WHERE table_name = :name"),
)
_PRUNE: Final = Statement(
    "retention.prune", text("SELECT table_name, deleted, problem FROM maintenance.prune(CAST(:limit AS integer))")
)


class Pruned(NamedTuple):
    """How many rows went, by table, and a sentence for each table of which none could."""

    counts: Mapping[str, int]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Policy:
    """How long a table keeps its rows: in partitions of a unit, or row by row without one."""

    table: str
    days: int
    strategy: str
    grace_days: int
    is_active: bool
    description: str | None
    unit: str | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A partition that is to leave its table or the database, when, and what it waits for."""

    relation: str
    parent: str | None
    range_from: datetime | None
    range_to: datetime | None
    rows: int
    total_bytes: int
    step: str
    due_at: datetime | None
    waits: str | None
    hold: UUID | None


class Retention:
    """Policies are the owner's; a worker deletes by them and nothing else."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def plan(self, *, days_ahead: int, is_thorough: bool = True) -> list[Planned]:
        """Return what is to go within some days, the next first, and what is let be; looks for holds if thorough."""
        return [Planned(*row) for row in _PLAN.run(self._driver, days_ahead=days_ahead, is_thorough=is_thorough)]

    def policies(self) -> list[Policy]:
        """Return all policies, by table."""
        return [Policy(*row) for row in _POLICIES.run(self._driver)]

    def set(self, table: str, *, days: int | None, strategy: str | None, grace_days: int | None) -> bool:
        """Change what is given of the policy of a partitioned table; False if it has none."""
        done = _SET.run(self._driver, name=table, days=days, strategy=strategy, grace_days=grace_days)
        return done.rowcount > 0

    def set_rows(self, table: str, *, days: int) -> bool:
        """Change the policy of a table that is not partitioned; False if it has none."""
        return _SET_ROWS.run(self._driver, name=table, days=days).rowcount > 0

    def prune(self, *, limit: int) -> Pruned:
        """Delete the oldest rows that no policy keeps, at most so many of each table; one table stops no other."""
        rows = _PRUNE.run(self._driver, limit=limit).fetchall()
        return Pruned({name: deleted for name, deleted, _ in rows}, [problem for *_, problem in rows if problem])
