"""Forgetting a user: everything that is the user's goes, records stay and name nobody, and that it happened is kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import UUID, uuid4

from db.engine import Database
from db.repositories.audit import Change
from db.repositories.erasures import Trace
from db.unit_of_work import UnitOfWork

Report: TypeAlias = Callable[[str], None]

ROWS_AT_ONCE: Final = 5_000


@dataclass
class Erased:
    """What went with a user, or would go."""

    is_rehearsal: bool
    erasure_id: UUID | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    elsewhere: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, object]:
        """Give the report for programs."""
        return {
            "dry_run": self.is_rehearsal,
            "erasure_id": self.erasure_id and str(self.erasure_id),
            "rows": sum(self.counts.values()),
            "tables": dict(self.counts),
            "archives_elsewhere": self.elsewhere,
        }

    def sentences(self) -> Iterator[str]:
        """Give the report for people."""
        for table, rows in sorted(self.counts.items()):
            yield f"{rows:>12,}  {table}"
        yield from (f"look through the archive {uri}: it is outside of the database" for uri in self.elsewhere)
        verb = "would be erased" if self.is_rehearsal else "are erased"
        yield f"{sum(self.counts.values()):,} rows of {len(self.counts)} tables {verb}."


def erase(
    database: Database,
    user_id: UUID,
    *,
    is_rehearsal: bool = False,
    report: Report = lambda _: None,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Erased:
    """Erase a user in transactions of some rows each; interrupted, it goes on when it is called again."""
    if is_rehearsal:
        return _rehearsed(database, user_id)
    with database.transaction() as uow:
        erasure_id = uow.erasures.begin(uuid4(), user_id)
    steps = 0
    while True:
        with database.transaction() as uow:
            is_done = go_on(uow, erasure_id, rows_at_once=rows_at_once)
        if is_done:
            break
        steps += 1
        report(f"{steps} steps done")
    with database.transaction() as uow:
        erasure = uow.erasures.get(erasure_id)
        counts = {} if erasure is None else erasure.counts
        return Erased(is_rehearsal, erasure_id, counts, uow.erasures.elsewhere())


def go_on(uow: UnitOfWork, erasure_id: UUID, *, rows_at_once: int = ROWS_AT_ONCE) -> bool:
    """Erase some more rows within one transaction; True when nothing is left, which the audit trail then keeps."""
    before = uow.erasures.get(erasure_id)
    if before is None or before.finished_at is not None:
        return True
    is_done = uow.erasures.go_on(erasure_id, limit=rows_at_once)
    erasure = uow.erasures.get(erasure_id)
    if is_done and erasure is not None:
        _keep(uow, erasure_id, erasure.counts)
    return is_done


def _keep(uow: UnitOfWork, erasure_id: UUID, counts: Mapping[str, int]) -> None:
    uow.audit.append(
        Change(
            id=erasure_id,
            table_name="users",
            record_id=f"erasure {erasure_id}",
            action="DELETE",
            created_at=datetime.now(UTC),
            old_data={"erased": dict(counts)},
        )
    )


def _rehearsed(database: Database, user_id: UUID) -> Erased:
    with database.transaction() as uow:
        found = uow.erasures.count(user_id)
        return Erased(is_rehearsal=True, counts=_by_table(found), elsewhere=uow.erasures.elsewhere())


def _by_table(traces: list[Trace]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for trace in traces:
        counts[trace.table] += trace.rows
    return counts
