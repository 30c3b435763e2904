"""Partitions are made, detached and dropped by a worker that may not change the schema."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db.engine import Database
from db.errors import DataRefused
from db.repositories.partitions import RetentionStep
from tests.databases import TestDatabase

from ..given import Given, at_once
from .retention import end_of_grace, exists, step

TODAY = datetime.now(UTC)


def _month(ahead: int) -> datetime:
    index = TODAY.year * 12 + TODAY.month - 1 + ahead
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


def test_a_calendar_that_is_complete_is_left_alone(own: TestDatabase, db: Database) -> None:
    relations = own.value("SELECT max(oid::bigint) FROM pg_class")
    with db.transaction() as uow:
        assert uow.partitions.ensure().made == []
    assert own.value("SELECT max(oid::bigint) FROM pg_class") == relations


def test_a_partition_that_is_missing_is_made_once_by_many(own: TestDatabase, db: Database) -> None:
    missing = f"inbox_y{_month(3):%Y}m{_month(3):%m}"
    own.ask(f"DROP TABLE partitions.{missing}")

    def ensure() -> list[str]:
        with db.transaction() as uow:
            return uow.partitions.ensure().made

    assert sorted(at_once([ensure] * 4)) == [[], [], [], [missing]]


def test_a_new_partition_is_closed_to_whoever_comes_past_its_parent(own: TestDatabase) -> None:
    assert own.value(
        "SELECT bool_and(c.relrowsecurity) FROM maintenance.partition_catalog p JOIN pg_class c ON c.oid = relid"
    )
    assert own.value("SELECT has_schema_privilege('mcp_worker', 'partitions', 'USAGE')") is False


@pytest.mark.parametrize(
    ("unit", "at", "name"),
    [
        ("month", "2024-02-29 23:59:59.999+00", "t_y2024m02"),
        ("month", "2023-12-31 23:59:59+00", "t_y2023m12"),
        ("month", "2024-01-01 00:00:00+00", "t_y2024m01"),
        ("month", "2024-01-01 00:30:00+02", "t_y2023m12"),
        ("week", "2021-01-01 12:00:00+00", "t_y2020w53"),
        ("day", "2024-03-31 01:30:00+00", "t_y2024m03d31"),
    ],
)
def test_a_partition_is_named_and_bounded_in_utc(own: TestDatabase, unit: str, at: str, name: str) -> None:
    own.ask("CREATE TABLE t (at timestamptz NOT NULL) PARTITION BY RANGE (at); ALTER TABLE t OWNER TO mcp_owner")
    own.ask(
        "INSERT INTO maintenance.data_retention_policies (table_name, partition_column, partition_unit, units_ahead,"
        " retention_days) VALUES ('t', 'at', %s, 60, 10000)",
        unit,
    )
    with psycopg.connect(own.admin_url, autocommit=True) as connection:
        connection.execute("SET timezone = 'America/New_York'")
        made = connection.execute(
            "SELECT maintenance.create_partition('public', 't', %s::timestamptz)", [at]
        ).fetchone()
        assert made == (name,)
        connection.execute("INSERT INTO t VALUES (%s::timestamptz)", [at])
        again = connection.execute(
            "SELECT maintenance.create_partition('public', 't', %s::timestamptz)", [at]
        ).fetchone()
        assert again == (None,)


def test_a_table_without_a_policy_gets_no_partitions(db: Database) -> None:
    with pytest.raises(DataRefused, match="has no retention policy"), db.transaction() as uow:
        uow.partitions.ensure_for('users"; DROP TABLE users; --', [TODAY])


def test_an_old_partition_is_detached_freed_and_dropped(own: TestDatabase, db: Database, old_partition: str) -> None:
    assert step(db) == RetentionStep("detached", old_partition)
    assert own.value("SELECT count(*) FROM mcp_logs") == 0
    assert step(db) == RetentionStep("freed", old_partition)
    assert step(db) is None, "the grace protects it"
    assert own.value("SELECT message FROM archive.mcp_logs_old") == "old"
    end_of_grace(own)
    dropped = step(db)
    assert dropped == RetentionStep("dropped", old_partition)
    assert dropped.total_bytes >= 8192, "the history tells how much room that gave back"
    assert not exists(own, old_partition)
    assert step(db) is None


@pytest.mark.usefixtures("old_partition")
def test_a_worker_may_read_what_was_detached_but_not_change_it(own: TestDatabase, db: Database) -> None:
    step(db)
    with psycopg.connect(own.worker_url) as connection:
        assert connection.execute("SELECT message FROM archive.mcp_logs_old").fetchall() == [("old",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM archive.mcp_logs_old")


@pytest.mark.usefixtures("old_partition")
def test_deleting_an_instance_does_not_reach_what_was_detached(own: TestDatabase, db: Database) -> None:
    """A detached partition keeps its foreign keys, and they would cascade into the archive."""
    step(db)
    step(db)
    own.ask("DELETE FROM mcp_instances")
    assert own.value("SELECT count(*) FROM archive.mcp_logs_old") == 1


def test_a_namesake_of_a_detached_partition_is_not_dropped(own: TestDatabase, db: Database, old_partition: str) -> None:
    step(db)
    own.ask(f"DROP TABLE {old_partition}")
    own.ask(f"CREATE TABLE {old_partition} (precious text)")
    end_of_grace(own)
    assert step(db) is None
    assert exists(own, old_partition)


def test_a_partition_that_was_brought_back_is_not_dropped(own: TestDatabase, db: Database, old_partition: str) -> None:
    step(db)
    at = TODAY - timedelta(days=400)
    own.ask(f"ALTER TABLE {old_partition} SET SCHEMA partitions")
    own.ask(
        "ALTER TABLE mcp_logs ATTACH PARTITION partitions.mcp_logs_old"
        f" FOR VALUES FROM ('{at:%Y-%m-%d}') TO ('{at + timedelta(days=30):%Y-%m-%d}')"
    )
    own.ask("UPDATE maintenance.data_retention_policies SET retention_days = 1000")
    end_of_grace(own)
    assert step(db) is None
    assert own.value("SELECT count(*) FROM mcp_logs") == 1


def test_a_table_that_somebody_reads_for_long_is_left_for_the_next_run(
    own: TestDatabase, db: Database, old_partition: str
) -> None:
    """As pg_dump does; nobody may be paged for that, and other tables must not wait for it."""
    with psycopg.connect(own.admin_url) as reader:
        reader.execute("SELECT count(*) FROM mcp_logs")
        assert step(db) is None
    assert step(db) == RetentionStep("detached", old_partition)


def test_readers_and_writers_go_on_while_a_partition_is_made(own: TestDatabase, db: Database) -> None:
    instance_id = Given(own).an_instance(db)
    with psycopg.connect(own.worker_url) as writer, ThreadPoolExecutor(1) as other:
        writer.execute("INSERT INTO mcp_logs (mcp_instance_id, message) VALUES (%s, 'open')", [instance_id])
        writer.execute("SELECT count(*) FROM inbox")
        with db.transaction() as uow:
            made = other.submit(uow.partitions.ensure_for, "inbox", [_month(4)])
            assert len(made.result(timeout=5)) == 1


def test_the_horizon_tells_how_far_each_table_reaches(own: TestDatabase, db: Database) -> None:
    own.ask(f"DROP TABLE partitions.mcp_logs_y{_month(1):%Y}m{_month(1):%m}")
    with db.transaction() as uow:
        rows = {row.table_name: row for row in uow.partitions.horizon()}
    assert set(rows) >= {"health_checks", "inbox", "mcp_events", "mcp_logs", "request_logs", "audit_log"}
    assert {name: row.gaps for name, row in rows.items() if row.gaps} == {"mcp_logs": 1}
    inbox = rows["inbox"]
    assert (inbox.covered_from, inbox.covered_to, inbox.partitions) == (_month(-1), _month(4), 5)
    assert inbox.ahead is not None
    assert inbox.ahead > timedelta(days=80)
