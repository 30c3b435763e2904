"""Whether the audit tables are as they were written, block by block and day by day."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from db.engine import Database
from db.repositories.seals import Block, BrokenRow, Feigned, Missing, Retired

_BLOCKS_AT_ONCE: Final = 100
_SPAN: Final = timedelta(days=1)
_MOST: Final = 1_000
"""How many broken rows of a day are told."""


@dataclass(slots=True)
class Verified:
    """What was compared, what is broken or gone without a reason, and the last block of each chain."""

    tenant_id: str | None = None
    blocks: int = 0
    rows: int = 0
    erased: int = 0
    restored: int = 0
    waiting: int = 0
    heads: dict[tuple[str, str], Block] = field(default_factory=dict)
    broken_blocks: list[Block] = field(default_factory=list)
    broken_rows: list[BrokenRow] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    feigned: list[Feigned] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    retired: list[Retired] = field(default_factory=list)
    since: dict[str, datetime] = field(default_factory=dict)

    @property
    def is_intact(self) -> bool:
        """Tell whether nothing is broken."""
        return not (
            self.broken_blocks or self.broken_rows or self.missing or self.feigned or self.altered or self.forgotten
        )

    @property
    def has_nothing(self) -> bool:
        """Tell whether one tenant was asked for of whom there is neither a row nor a block."""
        return self.tenant_id is not None and self.is_intact and not (self.blocks or self.rows)

    def facts(self) -> dict[str, object]:
        """Give it for programs."""
        return {
            "intact": None if self.has_nothing else self.is_intact,
            "blocks": self.blocks,
            "rows": self.rows,
            "erased": self.erased,
            "restored": self.restored,
            "waiting": self.waiting,
            "since": {table: since.isoformat() for table, since in self.since.items()},
            "heads": [_plain(each) for each in self.heads.values()],
            "broken_blocks": [_plain(each) for each in self.broken_blocks],
            "broken_rows": [_plain(each) for each in self.broken_rows],
            "months_missing": [_plain(each) for each in self.missing],
            "erased_without_erasure": [_plain(each) for each in self.feigned],
            "altered": self.altered,
            "forgotten": self.forgotten,
            "retired": [_plain(each) for each in self.retired],
        }


def verify(database: Database, *, tenant_id: str | None = None, known: Iterable[str] = ()) -> Verified:
    """Compare all that the tables hold, of one tenant or of all, with what was sealed of it."""
    verified = Verified(tenant_id)
    _blocks(database, tenant_id, verified)
    for table, since, until in _explained(database, tenant_id, verified):
        verified.since[table] = min(since, verified.since.get(table, since))
        day = since
        while day < until:
            _rows(database, table, (day, min(day + _SPAN, until)), tenant_id, verified)
            day += _SPAN
    with database.transaction() as uow:
        verified.forgotten = [each for each in known if not uow.seals.known(each)]
        spans = uow.seals.spans()
    verified.broken_rows = _with_moved([row for row in verified.broken_rows if _is_there(row, spans)])
    return verified


def _blocks(database: Database, tenant_id: str | None, verified: Verified) -> None:
    after: Block | None = None
    while True:
        with database.transaction() as uow:
            page = uow.seals.blocks(tenant_id=tenant_id, after=after, limit=_BLOCKS_AT_ONCE)
        for block in page:
            verified.blocks += 1
            verified.erased += block.erased
            verified.heads[block.table_name, block.tenant_id] = block
            if block.problem:
                verified.broken_blocks.append(block)
        if len(page) < _BLOCKS_AT_ONCE:
            return
        after = page[-1]


def _explained(
    database: Database, tenant_id: str | None, verified: Verified
) -> Sequence[tuple[str, datetime, datetime]]:
    """Tell what is gone and whether that is explained; return the time of which there are rows."""
    with database.transaction() as uow:
        verified.waiting = uow.seals.waiting()
        verified.altered = uow.seals.altered()
        verified.feigned = uow.seals.feigned()
        verified.missing = uow.seals.missing(tenant_id)
        verified.retired = uow.seals.retired()
        return uow.seals.spans()


def _rows(
    database: Database, table: str, span: tuple[datetime, datetime], tenant_id: str | None, verified: Verified
) -> None:
    with database.transaction() as uow:
        compared, restored, broken = uow.seals.rows(table, *span, tenant_id=tenant_id, limit=_MOST)
    verified.rows += compared
    verified.restored += restored
    verified.broken_rows += broken


def _is_there(row: BrokenRow, spans: Sequence[tuple[str, datetime, datetime]]) -> bool:
    """Tell whether a partition still has the time of a row: what retention takes meanwhile nobody removed."""
    return any(table == row.table_name and since <= row.row_time < until for table, since, until in spans)


def _with_moved(rows: Sequence[BrokenRow]) -> list[BrokenRow]:
    """Tell of a row that is gone from its time and stands at another as one that was moved."""
    removed = {(row.table_name, row.row_id): row for row in rows if row.problem == "removed"}
    moved = dict[tuple[str, UUID], BrokenRow]()
    for row in rows:
        before = removed.get((row.table_name, row.row_id))
        if row.problem == "inserted" and before is not None:
            moved[row.table_name, row.row_id] = replace(row, number=before.number, problem="moved")
    others = [row for row in rows if (row.table_name, row.row_id) not in moved]
    return [*others, *moved.values()]


def _plain(told: Block | BrokenRow | Missing | Feigned | Retired) -> dict[str, object]:
    return {key: value if isinstance(value, str | int | None) else _text(value) for key, value in asdict(told).items()}


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
