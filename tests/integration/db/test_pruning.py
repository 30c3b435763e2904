"""Old rows of tables that are not partitioned go some at a time, through an index; what is held or open stays."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from db.engine import Database
from tests import databases
from tests.databases import TestDatabase

from .given import Given

INSTANCE = uuid4()


@pytest.fixture(scope="module")
def own(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    database = databases.copy(database_template)
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture(scope="module")
def db(own: TestDatabase) -> Iterator[Database]:
    with own.worker() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _empty(own: TestDatabase) -> None:
    for table in ("legal_holds", "detached_partitions", "runs"):
        own.ask(f"DELETE FROM maintenance.{table}")  # noqa: S608  the test's own words
    own.ask("DELETE FROM log_quarantine; DELETE FROM dead_letters")
    own.ask("UPDATE maintenance.row_policies SET is_active = true WHERE NOT is_active")


def prune(db: Database, limit: int = 100) -> dict[str, int]:
    with db.transaction() as uow:
        return {table: count for table, count in uow.retention.prune(limit=limit).counts.items() if count}


def lines(own: TestDatabase, count: int, *, days: int, instance: object = INSTANCE) -> None:
    own.ask(
        "INSERT INTO log_quarantine (mcp_instance_id, reason, payload, created_at)"
        " SELECT %s, 'unknown', '{}', now() - make_interval(days => %s) FROM generate_series(1, %s)",
        instance,
        days,
        count,
    )


def test_old_rows_go_in_steps_and_new_ones_stay(own: TestDatabase, db: Database) -> None:
    lines(own, 5, days=91)
    lines(own, 2, days=89)
    assert [prune(db, limit=3) for _ in range(3)] == [{"public.log_quarantine": 3}, {"public.log_quarantine": 2}, {}]
    assert own.value("SELECT count(*) FROM log_quarantine") == 2


def test_a_policy_that_makes_no_sense_keeps_no_other_table_from_being_tidied_up(
    own: TestDatabase, db: Database
) -> None:
    lines(own, 2, days=91)
    own.ask(
        "INSERT INTO maintenance.row_policies (table_name, age, keep_days, description)"
        " VALUES ('public.fax', 'created_at', 9, 'x'), ('public.dead_letters_', 'x', 9, 'x')"
    )
    with db.transaction() as uow:
        counts, problems = uow.retention.prune(limit=9)
    own.ask("DELETE FROM maintenance.row_policies WHERE description = 'x'")
    assert counts["public.log_quarantine"] == 2
    assert [problem.partition(":")[0] for problem in problems] == ["public.dead_letters_", "public.fax"]


def test_letters_that_are_open_and_the_last_run_of_a_task_stay(own: TestDatabase, db: Database) -> None:
    own.ask(
        "INSERT INTO dead_letters (message_id, queue, wire_name, reason, error, payload, host, created_at,"
        " discarded_at)"
        " SELECT n::text, 'q', 'w', 'r', 'e', '{}', 'h', now() - interval '1 year',"
        "        CASE WHEN n <= 3 THEN now() - n * interval '50 days' END FROM generate_series(1, 9) n"
    )
    own.ask(
        "INSERT INTO maintenance.runs (task, started_at, finished_at)"
        " SELECT 'a', at, at"
        "   FROM generate_series(now() - interval '500 days', now() - interval '450 days', '10 days') at"
    )
    assert prune(db) == {"public.dead_letters": 2, "maintenance.runs": 5}
    assert own.value("SELECT count(*) FROM dead_letters WHERE discarded_at IS NULL") == 6
    assert own.value("SELECT count(*) FROM maintenance.runs") == 1


def test_rows_of_whom_is_held_stay(own: TestDatabase, db: Database) -> None:
    instance_id = Given(own).an_instance(db)
    lines(own, 2, days=91, instance=instance_id)
    lines(own, 3, days=91)
    lines(own, 1, days=91, instance=None)
    own.ask(
        "INSERT INTO maintenance.legal_holds (instance_id, reason, asked_by) VALUES (%s, 'case 7', 'the court')",
        instance_id,
    )
    assert prune(db) == {"public.log_quarantine": 4}
    own.ask("UPDATE maintenance.legal_holds SET released_at = now(), released_by = 'the court'")
    assert prune(db) == {"public.log_quarantine": 2}


def test_what_is_switched_off_keeps_everything(own: TestDatabase, db: Database) -> None:
    lines(own, 2, days=91)
    own.ask("UPDATE maintenance.row_policies SET is_active = false")
    assert prune(db) == {}


def test_every_policy_has_an_index_that_gives_the_oldest_first(own: TestDatabase) -> None:
    unserved = own.ask(
        """
        SELECT p.table_name FROM maintenance.row_policies p
         WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = p.table_name::regclass
                              AND pg_get_indexdef(i.indexrelid, 1, true) = p.age)
        """
    )
    assert unserved == []


def test_what_is_dropped_for_good_is_forgotten_and_the_way_to_an_archive_is_not(
    own: TestDatabase, db: Database
) -> None:
    own.ask(
        "INSERT INTO maintenance.detached_partitions (relation, relid, parent, range_from, range_to, needs_archive,"
        " drop_after, dropped_at, archived_at, archive_uri, archived_rows, archive_sha256)"
        " SELECT 'archive.x' || n, n, 'public.mcp_logs', now(), now(), false, now(), now() - interval '401 days',"
        "        CASE n WHEN 1 THEN now() END, CASE n WHEN 1 THEN 'file:x' END, CASE n WHEN 1 THEN 0 END,"
        "        CASE n WHEN 1 THEN repeat('0', 64) END FROM generate_series(1, 3) n"
    )
    assert prune(db) == {"maintenance.detached_partitions": 2}
    assert own.value("SELECT archive_uri FROM maintenance.detached_partitions") == "file:x"
