"""The chains of hashes that show whether the audit tables are as they were written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file

_SEAL: Final = Statement("seals.seal", text("SELECT maintenance.seal_audit(:most)"))
_BLOCKS: Final = from_file("seals.blocks", anew=True)
_COVERED: Final = Statement(
    "seals.covered",
    text(
        """
        SELECT schema_name || '.' || table_name, min(range_from), max(range_to) FROM maintenance.partition_catalog
         WHERE schema_name || '.' || table_name = ANY (:tables) GROUP BY 1 ORDER BY 1
        """
    ),
)
_WAITING: Final = Statement("seals.waiting", text("SELECT count(*) FROM maintenance.audit_entries"))
_KNOWN: Final = Statement(
    "seals.known", text("SELECT EXISTS (SELECT FROM maintenance.audit_blocks WHERE hash = decode(:hash, 'hex'))")
)


def _rows(name: str, table: str, tenant: str, dated: str) -> Statement:
    return from_file("seals.rows", name=name, parts={"table": table, "tenant": tenant, "dated": dated}, anew=True)


_ROWS: Final[Mapping[str, Statement]] = MappingProxyType(
    {
        "gateway.audit_logs": _rows("seals.actions", "gateway.audit_logs", "r.tenant_id", "timestamp"),
        "gateway.fastmcp_audit_log": _rows("seals.calls", "gateway.fastmcp_audit_log", "r.tenant_id", "timestamp"),
        "public.audit_log": _rows("seals.changes", "public.audit_log", "NULL", "created_at"),
    }
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a chain: how many rows it seals, its hash, and what is wrong with it."""

    table_name: str
    tenant_id: str
    number: int
    entries: int
    erased: int
    hash: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is not as it was sealed: changed, removed or inserted."""

    table_name: str
    tenant_id: str
    number: int | None
    row_id: UUID
    row_time: datetime
    problem: str


class Seals:
    """Only the owner's function writes here; everybody else compares."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def seal(self, most: int) -> int:
        """Seal so many of the rows that wait, one block for each table and tenant; return how many they were."""
        return int(_SEAL.run(self._driver, most=most).fetchall()[0][0])

    def blocks(self, *, tenant_id: str | None, after: Block | None, limit: int) -> list[Block]:
        """Return blocks in the order of their chains: pass the last of a page to get the next."""
        mark = (after.table_name, after.tenant_id, after.number) if after else ("", "", 0)
        values = dict(zip(("after_table", "after_tenant", "after_number"), mark, strict=True))
        return [Block(*row) for row in _BLOCKS.run(self._driver, tenant_id=tenant_id, limit=limit, **values)]

    def covered(self) -> dict[str, tuple[datetime, datetime]]:
        """Return the time of which each table has rows; what is older went with retention."""
        return {row[0]: (row[1], row[2]) for row in _COVERED.run(self._driver, tables=list(_ROWS))}

    def rows(
        self, table: str, since: datetime, until: datetime, *, tenant_id: str | None, limit: int
    ) -> tuple[int, Sequence[BrokenRow]]:
        """Return how many rows were compared, and those that are not as they were sealed."""
        values = {"table_name": table, "since": since, "until": until, "tenant_id": tenant_id, "limit": limit}
        ((compared, broken),) = _ROWS[table].run(self._driver, **values).fetchall()
        return compared, [
            BrokenRow(table, tenant, number, UUID(row_id), datetime.fromisoformat(row_time), problem)
            for tenant, number, row_id, row_time, problem in broken
        ]

    def waiting(self) -> int:
        """Return how many rows wait to be sealed."""
        return int(_WAITING.run(self._driver).fetchall()[0][0])

    def known(self, block_hash: str) -> bool:
        """Tell whether there is a block with this hash."""
        return bool(_KNOWN.run(self._driver, hash=block_hash).fetchall()[0][0])
