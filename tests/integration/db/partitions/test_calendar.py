"""The calendar of partitions: exact for years, repaired whatever was done to it, and quiet when it is complete."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import psycopg
import pytest

from db.engine import Database
from scheduler.overrides import overridden
from scheduler.timetable import TIMETABLE
from tests.databases import TestDatabase

from ..given import Given
from .years import RETENTION_DAYS, UNITS, UNITS_AHEAD, years

TODAY = datetime.now(UTC)
START = datetime(2027, 1, 1, tzinfo=UTC)
END = datetime(2032, 1, 1, tzinfo=UTC)
CHANGE_UNIT = "UPDATE maintenance.data_retention_policies SET partition_unit = %s WHERE is_active"


def _months(of: datetime, count: int) -> datetime:
    index = of.year * 12 + of.month - 1 + count
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


def _begin(unit: str, at: datetime) -> datetime:
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "month":
        return midnight.replace(day=1)
    return midnight - timedelta(days=midnight.weekday()) if unit == "week" else midnight


def _later(unit: str, start: datetime, count: int) -> datetime:
    return _months(start, count) if unit == "month" else start + count * timedelta(days=7 if unit == "week" else 1)


@pytest.mark.slow
def test_five_years_of_midnights_have_exactly_their_partitions(own: TestDatabase) -> None:
    """Year ends, a leap day and the clock changes of New York among them; nothing is changed that is right."""
    entries = {entry.name: entry for entry in overridden(TIMETABLE, 'create-partitions = "0 0 * * *"')}
    made = dropped = 0
    with years(own) as life:
        for midnight in entries["create-partitions"].fire_times(START - timedelta(seconds=1), END):
            life.is_now(midnight)
            before = life.ddl()
            names = life.keep()
            assert (life.ddl() > before) is bool(names)
            made += len(names)
            dropped += life.retain()
            life.store(midnight)
            if midnight.day in {1, 15, 29}:
                _are_exact(life.bounds(), midnight)
        complete = life.ddl()
        assert (life.keep(), life.retain(), life.ddl()) == ([], 0, complete)
        kept = sum(map(len, life.bounds().values()))
    assert made == sum(map(_units, UNITS.values()))
    assert made - dropped == kept


def _units(unit: str) -> int:
    """Count the units from the one before the first moment to the last that is kept ready in the end."""
    start, count = _later(unit, _begin(unit, START), -1), 0
    while start <= _later(unit, _begin(unit, END), UNITS_AHEAD):
        start, count = _later(unit, start, 1), count + 1
    return count


def _are_exact(bounds: dict[str, list[tuple[datetime, datetime]]], now: datetime) -> None:
    for table, unit in UNITS.items():
        partitions = bounds[table]
        assert all(left[1] == right[0] for left, right in pairwise(partitions)), "no gap and no overlap"
        assert all(start == _begin(unit, start) and end == _later(unit, start, 1) for start, end in partitions)
        assert partitions[-1][1] == _later(unit, _begin(unit, now), UNITS_AHEAD + 1)
        oldest = now - timedelta(days=RETENTION_DAYS)
        assert partitions[0][1] > oldest, "what nothing keeps is gone"
        assert partitions[0][0] <= max(oldest, START), "what is kept is there"


def test_a_worker_cannot_say_what_time_it_is(own: TestDatabase) -> None:
    with psycopg.connect(own.worker_url) as worker:
        worker.execute("SET maintenance.clock = '2099-01-01'")
        assert worker.execute("SELECT maintenance.clock() = now()").fetchone() == (True,)


def test_a_complete_calendar_is_not_even_a_transaction(own: TestDatabase, db: Database) -> None:
    with db.transaction() as uow:
        assert uow.partitions.ensure() == ([], [], [])
        assert uow._driver.execute("SELECT pg_current_xact_id_if_assigned()").fetchall() == [(None,)]
    assert own.value("SELECT count(*) FROM maintenance.missing_partitions()") == 0


def test_a_gap_of_long_ago_is_found_and_filled(own: TestDatabase, db: Database) -> None:
    """Older than the last unit, in the middle of what is kept."""
    for back in (6, 5, 4, 3, 2):
        own.ask("SELECT maintenance.create_partition('public', 'mcp_events', %s)", _months(TODAY, -back))
    gone = f"mcp_events_y{_months(TODAY, -4):%Y}m{_months(TODAY, -4):%m}"
    own.ask(f"DROP TABLE partitions.{gone}")
    assert _gaps(db) == {"mcp_events": 1}
    with db.transaction() as uow:
        assert uow.partitions.ensure() == ([gone], [], [])
    assert _gaps(db) == {}


def _gaps(db: Database) -> dict[str, int]:
    with db.transaction() as uow:
        return {row.table_name: row.gaps for row in uow.partitions.horizon() if row.gaps}


@pytest.mark.parametrize(("first", "then"), [("month", "week"), ("month", "day"), ("week", "month"), ("day", "month")])
def test_a_unit_can_change_and_no_moment_is_without_a_partition(own: TestDatabase, first: str, then: str) -> None:
    with years(own) as life:
        own.ask(CHANGE_UNIT, first)
        life.is_now(START)
        life.keep()
        own.ask(CHANGE_UNIT, then)
        for day in range(0, 200, 3):
            now = START + timedelta(days=day, hours=12)
            life.is_now(now)
            life.keep()
            life.retain()
            # What was just let go of is not made again.
            assert (life.keep(), life.retain()) == ([], 0)
            life.store(now)
            for partitions in life.bounds().values():
                assert all(left[1] == right[0] for left, right in pairwise(partitions))
                assert partitions[-1][1] >= _later(then, _begin(then, now), UNITS_AHEAD + 1)
        assert all(end == _later(then, start, 1) for start, end in life.bounds()["t_day"]), "the old units are gone"


def test_a_partition_that_somebody_detached_is_let_be_and_another_takes_the_rows(
    own: TestDatabase, db: Database
) -> None:
    instance_id = Given(own).an_instance(db)
    insert = "INSERT INTO mcp_logs (mcp_instance_id, message) VALUES (%s, 'x')"
    own.ask(insert, instance_id)
    present = f"mcp_logs_y{TODAY:%Y}m{TODAY:%m}"
    own.ask(f"ALTER TABLE mcp_logs DETACH PARTITION partitions.{present}")
    with db.transaction() as uow:
        assert uow.partitions.ensure() == ([f"{present}_2"], [], [])
    own.ask(insert, instance_id)
    assert own.value("SELECT count(*) FROM mcp_logs") == 1
    assert own.ask(f"TABLE partitions.{present}") != []
    with db.transaction() as uow:
        assert uow.partitions.ensure() == ([], [], [])


def test_a_detach_that_was_interrupted_is_finished(own: TestDatabase, db: Database) -> None:
    """Until then its partition takes no rows and no other can take its place."""
    present = f"mcp_logs_y{TODAY:%Y}m{TODAY:%m}"
    with psycopg.connect(own.admin_url) as reader, psycopg.connect(own.admin_url, autocommit=True) as somebody:
        reader.execute("SELECT count(*) FROM mcp_logs")
        somebody.execute("SET statement_timeout = '200ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            somebody.execute(f"ALTER TABLE mcp_logs DETACH PARTITION partitions.{present} CONCURRENTLY".encode())
    with db.transaction() as uow:
        assert {row.table_name: row.detach_pending for row in uow.partitions.horizon() if row.detach_pending} == {
            "mcp_logs": 1
        }
        assert uow.partitions.ensure() == ([f"{present}_2"], [], [])
    own.ask("INSERT INTO mcp_logs (mcp_instance_id, message) VALUES (%s, 'x')", Given(own).an_instance(db))


def test_a_policy_for_an_unknown_table_is_told_and_the_others_are_followed(own: TestDatabase, db: Database) -> None:
    own.ask(
        "INSERT INTO maintenance.data_retention_policies (table_name, partition_column, retention_days)"
        " VALUES ('fax', 'at', 30)"
    )
    month = f"inbox_y{_months(TODAY, 3):%Y}m{_months(TODAY, 3):%m}"
    own.ask(f"DROP TABLE partitions.{month}")
    with db.transaction() as uow:
        made, waiting, failed = uow.partitions.ensure()
        troubles = uow.troubles.list()
    assert (made, waiting) == ([month], [])
    assert failed == [
        "public.fax has a retention policy and is no partitioned table: set is_active of the policy to false."
    ]
    assert [each.kind for each in troubles if each.subject == "public.fax"] == []


def test_one_table_that_is_in_use_does_not_keep_the_others_from_their_partitions(
    own: TestDatabase, db: Database
) -> None:
    month = f"y{_months(TODAY, 3):%Y}m{_months(TODAY, 3):%m}"
    last = f"y{_months(TODAY, 2):%Y}m{_months(TODAY, 2):%m}"
    own.ask(f"DROP TABLE partitions.inbox_{month}; DROP TABLE partitions.inbox_{last}")
    own.ask(f"DROP TABLE partitions.mcp_events_{month}")
    with psycopg.connect(own.admin_url) as other:
        other.execute("LOCK TABLE inbox IN SHARE MODE")
        with db.transaction() as uow:
            made, waiting, failed = uow.partitions.ensure()
    assert (made, failed) == ([f"mcp_events_{month}"], [])
    assert [problem.partition(" ")[0] for problem in waiting] == ["public.inbox"]
