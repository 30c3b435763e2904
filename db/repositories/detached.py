"""The rows of a partition that left its table, as an archive needs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement

_COLUMNS: Final = Statement(
    "detached.columns",
    text(
        """
        SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
         WHERE attrelid = to_regclass(:relation) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
        """
    ),
)
_EXTENT: Final = Statement(
    "detached.extent",
    text(
        """
        SELECT pg_relation_size(to_regclass(:relation)) / current_setting('block_size')::bigint,
               pg_table_size(to_regclass(:relation))
        """
    ),
)
_LEASE: Final = Statement("detached.lease", text("SELECT maintenance.lease_archive(:relation, :holder, :seconds)"))
_PAGE: Final = Statement(
    "detached.page", text("SELECT maintenance.page(:relation, CAST(:columns AS text[]), :first, :last)")
)
_TALLY: Final = Statement(
    "detached.tally",
    text("SELECT rows, total FROM maintenance.tally(:relation, CAST(:columns AS text[]), :first, :last)"),
)


@dataclass(frozen=True, slots=True)
class Extent:
    """How many blocks a relation has, and how many bytes with what is kept beside them."""

    blocks: int
    total_bytes: int


class DetachedRows:
    """Read by blocks, so that nobody's transaction lasts as long as a whole partition takes."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def columns(self, relation: str) -> list[tuple[str, str]]:
        """Return the columns of a relation with their types, none if there is no such relation."""
        return [(name, kind) for name, kind in _COLUMNS.run(self._driver, relation=relation)]

    def extent(self, relation: str) -> Extent:
        """Return how large a relation is."""
        blocks, total = _EXTENT.run(self._driver, relation=relation).fetchall()[0]
        return Extent(blocks or 0, total or 0)

    def lease(self, relation: str, holder: UUID, *, seconds: int) -> bool:
        """Say for so long that the holder writes the archive of a partition; False if it is another's turn."""
        leased = _LEASE.run(self._driver, relation=relation, holder=holder, seconds=seconds)
        return bool(leased.fetchall()[0][0])

    def page(self, relation: str, columns: Sequence[str], *, first: int, last: int) -> list[Sequence[str | None]]:
        """Return the rows of the blocks from `first` up to `last`, which is not among them."""
        rows = _PAGE.run(self._driver, relation=relation, columns=list(columns), first=first, last=last)
        return [row[0] for row in rows]

    def tally(self, relation: str, columns: Sequence[str], *, first: int, last: int) -> tuple[int, int]:
        """Return how many rows these blocks have, and the sum of their digests."""
        found = _TALLY.run(self._driver, relation=relation, columns=list(columns), first=first, last=last)
        rows, total = found.fetchall()[0]
        return rows, int(total)
