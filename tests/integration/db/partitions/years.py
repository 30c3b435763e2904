"""A session of the owner that lives through years in seconds, in the time zone of New York."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import psycopg

from tests.databases import TestDatabase

UNITS: Final = {"t_month": "month", "t_week": "week", "t_day": "day", "t_uuid": "month"}
"""Tables by time, and one by the ids that the time is in."""

RETENTION_DAYS: Final = 20
UNITS_AHEAD: Final = 3
_BOUNDS: Final = """
SELECT table_name::text, range_from, range_to FROM maintenance.partition_catalog
 WHERE table_name = ANY (%s) ORDER BY range_from
"""
_STORE: Final = "INSERT INTO {} VALUES (%s)"
_STORE_ID: Final = "INSERT INTO {} VALUES (maintenance.uuid7_floor(%s))"
_COUNT_DDL: Final = """
CREATE SEQUENCE ddl;
CREATE FUNCTION count_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('public.ddl'); END $$;
GRANT USAGE ON ddl TO PUBLIC;
CREATE EVENT TRIGGER count_ddl ON ddl_command_end EXECUTE FUNCTION count_ddl();
"""


class Years:
    """What the ticks of the timetable do, at whatever time it is said to be."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection

    def is_now(self, at: datetime) -> None:
        self._connection.execute("SELECT set_config('maintenance.clock', %s, false)", [at.isoformat()])

    def keep(self) -> list[str]:
        rows = self._connection.execute("SELECT partition_name, problem FROM maintenance.keep_calendar()").fetchall()
        assert [problem for _, problem in rows if problem] == []
        return [str(name) for name, _ in rows]

    def retain(self) -> int:
        """Take every step that is due; say how many partitions were dropped."""
        while self._step("detach_expired"):
            pass
        dropped = 0
        while self._step("drop_detached"):
            dropped += 1
        return dropped

    def store(self, at: datetime) -> None:
        for table in UNITS:
            self._connection.execute((_STORE_ID if table == "t_uuid" else _STORE).format(table).encode(), [at])

    def bounds(self) -> dict[str, list[tuple[datetime, datetime]]]:
        found: dict[str, list[tuple[datetime, datetime]]] = {table: [] for table in UNITS}
        for table, start, end in self._connection.execute(_BOUNDS, [list(UNITS)]):
            assert isinstance(start, datetime)
            assert isinstance(end, datetime)
            found[str(table)].append((start.astimezone(UTC), end.astimezone(UTC)))
        return found

    def ddl(self) -> int:
        """Count the commands that changed the schema so far."""
        ((count,),) = self._connection.execute("SELECT last_value FROM ddl").fetchall()
        return int(str(count))

    def _step(self, function: str) -> bool:
        return self._connection.execute(f"SELECT maintenance.{function}()".encode()).fetchone() != (None,)


@contextmanager
def years(own: TestDatabase) -> Iterator[Years]:
    """Have a table for each unit, and no other that is kept."""
    own.ask("DELETE FROM maintenance.data_retention_policies")
    for table, unit in UNITS.items():
        kind, key = ("uuid", "uuid7") if table == "t_uuid" else ("timestamptz", "time")
        own.ask(f"CREATE TABLE {table} (at {kind} NOT NULL) PARTITION BY RANGE (at)")
        own.ask(f"ALTER TABLE {table} OWNER TO mcp_owner")
        own.ask(
            "INSERT INTO maintenance.data_retention_policies (partition_column, grace_days, table_name, partition_key,"
            " partition_unit, units_ahead, retention_days) VALUES ('at', 0, %s, %s, %s, %s, %s)",
            table,
            key,
            unit,
            UNITS_AHEAD,
            RETENTION_DAYS,
        )
    own.ask(_COUNT_DDL)
    with psycopg.connect(own.admin_url, autocommit=True) as connection:
        connection.execute("SET timezone = 'America/New_York'")
        yield Years(connection)
