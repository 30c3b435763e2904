"""Which partitions are archived where, and their way back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg import sql
from sqlalchemy import text

from db.statement import Driver, Statement

_LIST: Final = Statement(
    "shelved.list",
    text(
        """
        SELECT relation, parent, range_from, range_to, detached_at, drop_after, dropped_at, archived_at, archive_uri,
               archived_rows, archive_sha256, relid = coalesce(to_regclass(relation)::oid, 0) AS is_there
          FROM (SELECT DISTINCT ON (coalesce(archive_uri, relation)) * FROM maintenance.detached_partitions
                 WHERE archive_uri IS NOT NULL OR needs_archive AND dropped_at IS NULL
                 ORDER BY coalesce(archive_uri, relation), detached_at DESC) AS newest
         WHERE CAST(:name AS text) IS NULL OR :name IN (relation, split_part(relation, '.', 2), archive_uri)
         ORDER BY range_from, relation
        """
    ),
)
_ACT_AS_OWNER: Final = Statement("shelved.act_as_owner", text("SET LOCAL ROLE mcp_owner"))
_BEGIN: Final = Statement(
    "shelved.begin_restore",
    text("SELECT maintenance.begin_restore(:relation, :uri, CAST(:columns AS text[]), CAST(:types AS text[]))"),
)
_ATTACH: Final = Statement("shelved.attach", text("SELECT maintenance.attach_restored(:relation)"))


@dataclass(frozen=True, slots=True)
class Kept:
    """A partition that left its table: archived, or waiting for it."""

    relation: str
    parent: str
    range_from: datetime
    range_to: datetime
    detached_at: datetime
    drop_after: datetime
    dropped_at: datetime | None
    archived_at: datetime | None
    uri: str | None
    rows: int | None
    sha256: str | None
    is_there: bool


class ShelvedPartitions:
    """Only the owner may bring one back."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def list(self, name: str | None = None) -> list[Kept]:
        """Return what is archived or waits for it, the oldest first: all, or those of a name or an address."""
        return [Kept(*row) for row in _LIST.run(self._driver, name=name)]

    def act_as_owner(self) -> None:
        """Be the owner of the schema until the transaction ends."""
        _ACT_AS_OWNER.run(self._driver)

    def begin_restore(self, relation: str, uri: str, *, columns: Sequence[str], types: Sequence[str]) -> None:
        """Make the table that the rows of an archive come back to; DataRefused if there is one."""
        _BEGIN.run(self._driver, relation=relation, uri=uri, columns=list(columns), types=list(types))

    def fill(self, relation: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
        """Put rows into the table; of each value the text that PostgreSQL wrote."""
        table = sql.Identifier(*(part.strip('"') for part in relation.split(".")))
        named = sql.SQL(", ").join(map(sql.Identifier, columns))
        copying = sql.SQL("COPY {} ({}) FROM STDIN").format(table, named)
        with self._driver.cursor() as cursor, cursor.copy(copying) as copy:
            for row in rows:
                copy.write_row(row)

    def attach(self, relation: str) -> str:
        """Make what came back a partition of its table again; return what it is called there."""
        return str(_ATTACH.run(self._driver, relation=relation).fetchall()[0][0])
