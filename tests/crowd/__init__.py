"""The rows of a large fleet, in bulk and as uneven as life: for plans and for what an index is worth.

Row number ``n`` of a table is computed from ``n``, so its keys are known without asking; what nobody looks up by
name is random.  Foreign keys and triggers are passed over, which makes a table of a million rows in seconds.
"""

from typing import Any, Final, TypeAlias
from uuid import UUID

import psycopg
from psycopg import sql

from . import fleet, gateway, records

Connection: TypeAlias = "psycopg.Connection[tuple[Any, ...]]"

CROWD: Final[dict[str, dict[str, str]]] = {**fleet.TABLES, **gateway.TABLES, **records.TABLES}
"""What the columns of each table hold, as SQL over ``n`` and over ``{rows}``, the number of rows."""

# Every service has a port of its own.
_MOST: Final = {"service_registry": 60_000, "service_health_status": 60_000, "mcp_types": 200, "probers": 4}


def number_of_rows(table: str, rows: int) -> int:
    """Give how many rows a table gets when many are asked for."""
    return min(rows, _MOST.get(table, rows))


def fill(connection: Connection, table: str, rows: int) -> None:
    """Add rows to a table; the caller gathers statistics when all is there."""
    rows = number_of_rows(table, rows)
    columns = {name: expression.replace("{rows}", str(rows)) for name, expression in CROWD[table].items()}
    statement = sql.SQL("INSERT INTO {} ({}) SELECT {} FROM generate_series(0, {}) n ON CONFLICT DO NOTHING").format(
        sql.Identifier(*table.split(".")),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.SQL(expression) for expression in columns.values()),
        sql.Literal(rows - 1),
    )
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(statement)


def uuid(number: int) -> UUID:
    """Give the id of a row whose id is a UUID."""
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


def token_hash(number: int) -> str:
    """Give the hash of a token."""
    return f"{number:064x}"
