"""Rows that come in batches and are stored with one statement each."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from db.errors import telling_times
from db.statement import Driver, Statement, from_text
from db.storable import storable_json

Facts = Mapping[str, object]
"""A row by the names of its columns."""

# Beyond these a record's own time is not believed.
_PAST: Final = timedelta(days=30)
_FUTURE: Final = timedelta(minutes=10)


def recording(name: str, table: str, **columns: str) -> Statement:
    """Make the statement that stores rows with these columns, of these types."""
    return from_text(
        name,
        "INSERT INTO $table ($columns) SELECT $columns FROM json_to_recordset(CAST(:rows AS json)) AS given ($types)",
        table=table,
        columns=", ".join(columns),
        types=", ".join(f"{column} {kind}" for column, kind in columns.items()),
    )


def record(driver: Driver, statement: Statement, rows: Sequence[Facts], *, table: str, dated: str) -> None:
    """Store rows of a partitioned table whose time stands in the column `dated`."""
    if not rows:
        return
    with telling_times(table, (datetime.fromisoformat(str(row[dated])) for row in rows)):
        statement.run(driver, rows=storable_json(rows))


def dated(facts: Facts, *, at: datetime, stamp: datetime, column: str, beside: str) -> dict[str, object]:
    """Give a row its time, or the stamp of its message if its time cannot be true: that is kept `beside` then."""
    if stamp - _PAST <= at <= stamp + _FUTURE:
        return {**facts, column: at.isoformat()}
    kept = facts[beside]
    told = {**kept, "original_timestamp": at.isoformat()} if isinstance(kept, dict) else kept
    return {**facts, column: stamp.isoformat(), beside: told}
