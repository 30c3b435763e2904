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
_SPANS: Final = Statement(
    "seals.spans",
    text(
        """
        SELECT schema_name || '.' || table_name, range_from, range_to FROM maintenance.partition_catalog
         WHERE schema_name || '.' || table_name = ANY (:tables) ORDER BY 1, 2
        """
    ),
)
_RETIRED: Final = Statement(
    "seals.retired",
    text(
        """
        SELECT table_name, range_from, range_to, archive_uri FROM maintenance.retired_ranges
         WHERE table_name = ANY (:tables) ORDER BY 1, 2
        """
    ),
)
_MISSING: Final = from_file("seals.missing", anew=True)
_ALTERED: Final = from_file("seals.altered")
_FEIGNED: Final = from_file("seals.feigned")
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


_TRIGGERS: Final = (
    ("gateway.audit_logs", "audit_logs"),
    ("gateway.fastmcp_audit_log", "fastmcp_audit_log"),
    ("public.audit_log", "audit_log"),
)
# Of what a function says and under which settings; a test compares them with what the migrations make.
DIGESTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "note_entered()": "3883d1412de5e3201741ae50b3411138",
        "note_erased()": "d668f9cc270e7ca4a8989596ec66fc72",
        "note_restored(text,timestamptz,timestamptz)": "818fd74f85a7f40bd11d7bf5828e8936",
        "seal_audit(integer)": "f4a7bf3c2c69d66b8b2620035ee8af76",
        "audit_hash(gateway.audit_logs)": "2ab5e8f22515eb94e54998f03ff4fbb2",
        "audit_hash(gateway.fastmcp_audit_log)": "ea52e9311b8c15c24e9cf2693dc51f3c",
        "audit_hash(public.audit_log)": "4a1ed2adca48614e2215ef6e23b239d3",
        "audit_block_hash(maintenance.audit_blocks)": "78d19f54265551e593613abeb9f93fcf",
        "audit_rows_hash(varchar[],uuid[],timestamptz[],bytea[])": "f04fe48be9ee0111c75ecb037df8ed96",
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


@dataclass(frozen=True, slots=True)
class Retired:
    """The time of which retention took the rows of a table, and where they are archived."""

    table_name: str
    range_from: datetime
    range_to: datetime
    archive_uri: str | None


@dataclass(frozen=True, slots=True)
class Missing:
    """The time of which sealed rows of a table are gone, and how many, without a record of it."""

    table_name: str
    range_from: datetime
    range_to: datetime
    rows: int


@dataclass(frozen=True, slots=True)
class Feigned:
    """How many rows of a table are said to be erased, and how many erasures tell of."""

    table_name: str
    erased: int
    explained: int


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

    def spans(self) -> list[tuple[str, datetime, datetime]]:
        """Return the time of which each table has rows, a partition each."""
        return [(row[0], row[1], row[2]) for row in _SPANS.run(self._driver, tables=list(_ROWS))]

    def retired(self) -> list[Retired]:
        """Return the time of which retention took the rows."""
        return [Retired(*row) for row in _RETIRED.run(self._driver, tables=list(_ROWS))]

    def missing(self, tenant_id: str | None) -> list[Missing]:
        """Return the time of which rows were sealed that are gone, though no record of retention says so."""
        return [Missing(*row) for row in _MISSING.run(self._driver, tenant_id=tenant_id)]

    def altered(self) -> list[str]:
        """Name the triggers and functions that are not as they were made."""
        pairs = [(table, name, kind) for table, name in _TRIGGERS for kind in ("entered", "erased")]
        return [
            row[0]
            for row in _ALTERED.run(
                self._driver,
                tables=[table for table, _, _ in pairs],
                triggers=[f"{name}_{kind}" for _, name, kind in pairs],
                calls=[f"maintenance.note_{kind}()" for _, _, kind in pairs],
                functions=[f"maintenance.{name}" for name in DIGESTS],
                digests=list(DIGESTS.values()),
            )
        ]

    def feigned(self) -> list[Feigned]:
        """Return the tables of which more rows are said to be erased than erasures tell of."""
        return [Feigned(*row) for row in _FEIGNED.run(self._driver)]

    def rows(
        self, table: str, since: datetime, until: datetime, *, tenant_id: str | None, limit: int
    ) -> tuple[int, int, Sequence[BrokenRow]]:
        """Return how many rows were compared, how many came back from archives, and those not as they were sealed."""
        values = {"table_name": table, "since": since, "until": until, "tenant_id": tenant_id, "limit": limit}
        ((compared, restored, broken),) = _ROWS[table].run(self._driver, **values).fetchall()
        return (
            compared,
            restored,
            [
                BrokenRow(table, tenant, number, UUID(row_id), datetime.fromisoformat(row_time), problem)
                for tenant, number, row_id, row_time, problem in broken
            ],
        )

    def waiting(self) -> int:
        """Return how many rows wait to be sealed."""
        return int(_WAITING.run(self._driver).fetchall()[0][0])

    def known(self, block_hash: str) -> bool:
        """Tell whether there is a block with this hash."""
        return bool(_KNOWN.run(self._driver, hash=block_hash).fetchall()[0][0])
