"""Users who are to be forgotten, and everything that is known of one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from db.errors import UserHeld
from db.statement import Driver, Statement

_BEGIN: Final = Statement(
    "erasures.begin",
    text(
        """
        SELECT CASE WHEN held.why IS NULL THEN maintenance.begin_erasure(:erasure_id, :user_id) END, held.why
          FROM (SELECT maintenance.hold_on_user(:user_id) AS why) AS held
        """
    ),
)
_GO_ON: Final = Statement("erasures.go_on", text("SELECT maintenance.erase_some(:erasure_id, CAST(:limit AS integer))"))
_GET: Final = Statement(
    "erasures.get",
    text("SELECT id, counts, begun_at, finished_at FROM maintenance.erasures WHERE id = :erasure_id"),
)
_COUNT: Final = Statement(
    "erasures.count", text("SELECT table_name, action, rows FROM maintenance.count_user_rows(:user_id)")
)
_TABLES: Final = Statement(
    "erasures.tables",
    text(
        "SELECT DISTINCT format('%I.%I', schema_name, table_name) FROM maintenance.user_traces"
        " WHERE condition NOT LIKE 'maintenance.mentions%' ORDER BY 1"
    ),
)
_ROWS: Final = Statement("erasures.rows", text("SELECT maintenance.user_rows(:user_id, :table_name)"))
_ELSEWHERE: Final = Statement(
    "erasures.elsewhere",
    text(
        """
        SELECT DISTINCT d.archive_uri FROM maintenance.detached_partitions d
          JOIN maintenance.user_traces t ON format('%I.%I', t.schema_name, t.table_name) = d.parent
         WHERE d.archive_uri IS NOT NULL ORDER BY 1
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What went with a user, by table; nobody is named."""

    id: UUID
    counts: Mapping[str, int]
    begun_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Trace:
    """How many rows of a table an erasure would delete or blank."""

    table: str
    action: str
    rows: int


class Erasures:
    """What is a user's is told by the catalog and by the declared references; partitions and archives are included."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def begin(self, erasure_id: UUID, user_id: UUID) -> UUID:
        """Switch a user off, end what runs, and return the id of the erasure: an older one if it is under way.

        Raises UserHeld, with the order, if a legal hold keeps what is the user's.
        """
        erasure, why = _BEGIN.run(self._driver, erasure_id=erasure_id, user_id=user_id).fetchall()[0]
        if why is not None:
            raise UserHeld(why)
        return UUID(str(erasure))

    def go_on(self, erasure_id: UUID, *, limit: int) -> bool:
        """Erase some more rows; True when nothing is left, or there is no such erasure."""
        return bool(_GO_ON.run(self._driver, erasure_id=erasure_id, limit=limit).fetchall()[0][0])

    def get(self, erasure_id: UUID) -> Erasure | None:
        """Return what an erasure did so far."""
        row = _GET.run(self._driver, erasure_id=erasure_id).fetchone()
        return None if row is None else Erasure(*row)

    def count(self, user_id: UUID) -> list[Trace]:
        """Return how many rows of which tables would go or be blanked."""
        return [Trace(*row) for row in _COUNT.run(self._driver, user_id=user_id)]

    def tables(self) -> list[str]:
        """Return the tables that may have rows of a user."""
        return [row[0] for row in _TABLES.run(self._driver)]

    def rows(self, user_id: UUID, table: str) -> Iterator[Mapping[str, Any]]:
        """Return a user's rows of a table, without secrets."""
        for row in _ROWS.run(self._driver, user_id=user_id, table_name=table):
            yield row[0]

    def elsewhere(self) -> list[str]:
        """Return the archives outside of the database in which a user may still be."""
        return [row[0] for row in _ELSEWHERE.run(self._driver)]
