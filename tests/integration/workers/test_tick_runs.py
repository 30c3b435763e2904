"""What a tick did, and what was in its way, is written down; the next one carries on."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db.engine import Database
from db.errors import PartitionMissing
from db.unit_of_work import UnitOfWork
from producers import CacheExpiryDue
from scheduler.timetable import TIMETABLE
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import delivered, make_applier, reasons
from workers.actors import ACTORS
from workers.resources import Resources
from workers.tick import Done, tick_actor

TASK = "expire-caches"
MINUTE = datetime.now(UTC).replace(second=0, microsecond=0)
RUNS = "SELECT task, affected, bytes, outcome, detail->>'problem' FROM maintenance.runs ORDER BY id"
TICK = "SELECT outcome, problem FROM maintenance.ticks WHERE task = 'expire-caches'"


def test_every_line_of_the_timetable_has_its_row_once_its_tick_was_applied(
    test_database: TestDatabase, database: Database, resources: Resources
) -> None:
    applier = make_applier(database, resources, *ACTORS)
    for entry in TIMETABLE:
        applier(delivered(entry.tick(MINUTE)))
    with database.transaction() as uow:
        ticks = {tick.task: tick for tick in uow.ticks.latest()}
    assert ticks.keys() == {entry.name for entry in TIMETABLE}
    for entry in TIMETABLE:
        due = ticks[entry.name].next_fire_time
        assert due is not None
        assert due == next(entry.fire_times(MINUTE, due))
    assert reasons(test_database) == []


@pytest.fixture
def tick(
    test_database: TestDatabase, database: Database, resources: Resources
) -> Callable[[Callable[[UnitOfWork], Done | None]], None]:
    """Have a tick of the next minute do some work."""
    minutes = iter(MINUTE + timedelta(minutes=each) for each in range(-9, 9))

    def apply(work: Callable[[UnitOfWork], Done | None]) -> None:
        actor = tick_actor(TASK, CacheExpiryDue)(lambda _, uow: work(uow))
        make_applier(database, resources, actor)(delivered(CacheExpiryDue.at(next(minutes))))
        assert reasons(test_database) == []

    return apply


Tick = Callable[[Callable[[UnitOfWork], Done | None]], None]


def test_a_tick_that_found_nothing_to_do_leaves_no_run(test_database: TestDatabase, tick: Tick) -> None:
    tick(lambda _: None)
    assert test_database.ask(RUNS) == []
    assert test_database.ask(TICK) == [("done", None)]


def test_what_a_tick_did_is_counted(test_database: TestDatabase, tick: Tick) -> None:
    tick(lambda _: Done(7, {"note": "seven"}, bytes=4096))
    assert test_database.ask(RUNS) == [(TASK, 7, 4096, "done", None)]


def test_what_is_refused_is_undone_and_told_and_the_next_tick_carries_on(
    test_database: TestDatabase, tick: Tick
) -> None:
    def half(uow: UnitOfWork) -> Done:
        uow.runs.record("half", MINUTE, 1)
        uow.partitions.mark_archived("no.such_relation", uri="file:a", rows=1, sha256="0" * 64)
        return Done()

    tick(half)
    sentence = "PostgreSQL refused the data: no.such_relation is not a partition that was detached (42P01)."
    assert test_database.ask(RUNS) == [(TASK, 0, 0, "failed", sentence)]
    assert test_database.ask(TICK) == [("failed", sentence)]
    tick(lambda _: Done(1))
    assert test_database.ask(TICK) == [("done", None)]


def test_a_tick_that_somebody_is_in_the_way_of_waits(test_database: TestDatabase, tick: Tick) -> None:
    def look_briefly(uow: UnitOfWork) -> None:
        uow._driver.execute("SET LOCAL lock_timeout = '50ms'")
        uow._driver.execute("SELECT count(*) FROM mcp_types")

    with psycopg.connect(test_database.admin_url) as other:
        other.execute("LOCK TABLE mcp_types IN ACCESS EXCLUSIVE MODE")
        tick(look_briefly)
    assert [row[3] for row in test_database.ask(RUNS)] == ["waits"]


def test_a_statement_that_takes_too_long_fails_the_run_and_not_the_worker(
    test_database: TestDatabase, tick: Tick
) -> None:
    def endless(uow: UnitOfWork) -> None:
        uow._driver.execute("SET LOCAL statement_timeout = '50ms'")
        uow._driver.execute("SELECT pg_sleep(60)")

    tick(endless)
    assert [row[3] for row in test_database.ask(RUNS)] == ["failed"]


def test_what_the_worker_can_mend_is_mended_and_done_again(test_database: TestDatabase, tick: Tick) -> None:
    tries: list[int] = []

    def missing_once(uow: UnitOfWork) -> Done:
        tries.append(1)
        if len(tries) == 1:
            raise PartitionMissing("gone", table="inbox", at=[MINUTE])
        uow.runs.record("effect", MINUTE, 1)
        return Done()

    tick(missing_once)
    assert test_database.ask("SELECT count(*) FROM maintenance.runs WHERE task = 'effect'") == [(1,)]


def test_an_older_tick_takes_nothing_back(database: Database) -> None:
    with database.transaction() as uow:
        uow.ticks.note(TASK, fire_time=MINUTE, next_fire_time=MINUTE + timedelta(minutes=1))
        uow.ticks.note(
            TASK, fire_time=MINUTE - timedelta(minutes=1), next_fire_time=MINUTE, outcome="failed", problem="x"
        )
        # Sent by hand, it does not know the timetable.
        uow.ticks.note(TASK, fire_time=MINUTE + timedelta(seconds=1), next_fire_time=None)
        (latest,) = uow.ticks.latest()
    assert (latest.fire_time, latest.next_fire_time, latest.outcome) == (
        MINUTE + timedelta(seconds=1),
        MINUTE + timedelta(minutes=1),
        "done",
    )


def test_a_task_that_was_set_off_is_expected_no_more(database: Database) -> None:
    with database.transaction() as uow:
        uow.ticks.note(TASK, fire_time=MINUTE, next_fire_time=None)
        assert [uow.ticks.forget(TASK), uow.ticks.forget(TASK), uow.ticks.latest()] == [True, False, []]
