"""Partitions are made, detached and dropped by a worker that may not change the schema."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db.engine import Database
from db.errors import DataRefused
from db.repositories.partitions import RetentionStep
from tests import databases
from tests.databases import TestDatabase

from .given import Given, at_once

TODAY = datetime.now(UTC)
OLD = "archive.mcp_logs_old"
SHA256 = "0" * 64


@pytest.fixture
def own(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    """Give a database whose partitions a test may change."""
    database = databases.copy(database_template)
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture
def db(own: TestDatabase) -> Iterator[Database]:
    with own.worker() as opened:
        yield opened


@pytest.fixture
def old_partition(own: TestDatabase, db: Database) -> str:
    """Have a partition of last year, with a line in it."""
    at = TODAY - timedelta(days=400)
    own.ask("CREATE TABLE partitions.mcp_logs_old (LIKE mcp_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    own.ask("ALTER TABLE partitions.mcp_logs_old OWNER TO mcp_owner")
    own.ask(
        "ALTER TABLE mcp_logs ATTACH PARTITION partitions.mcp_logs_old"
        f" FOR VALUES FROM ('{at:%Y-%m-%d}') TO ('{at + timedelta(days=30):%Y-%m-%d}')"
    )
    instance_id = Given(own).an_instance(db)
    own.ask(
        "INSERT INTO mcp_logs (mcp_instance_id, timestamp, message) VALUES (%s, %s, 'old')",
        instance_id,
        at + timedelta(days=1),
    )
    return OLD


def _step(db: Database) -> RetentionStep | None:
    with db.transaction() as uow:
        return uow.partitions.retain()


def _end_of_grace(own: TestDatabase) -> None:
    own.ask("UPDATE maintenance.detached_partitions SET drop_after = now()")


def _exists(own: TestDatabase, relation: str) -> bool:
    return own.value("SELECT to_regclass(%s) IS NOT NULL", relation) is True


def _month(ahead: int) -> datetime:
    index = TODAY.year * 12 + TODAY.month - 1 + ahead
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


def test_a_calendar_that_is_complete_is_left_alone(own: TestDatabase, db: Database) -> None:
    relations = own.value("SELECT max(oid::bigint) FROM pg_class")
    with db.transaction() as uow:
        assert uow.partitions.ensure() == []
    assert own.value("SELECT max(oid::bigint) FROM pg_class") == relations


def test_a_partition_that_is_missing_is_made_once_by_many(own: TestDatabase, db: Database) -> None:
    missing = f"inbox_y{_month(3):%Y}m{_month(3):%m}"
    own.ask(f"DROP TABLE partitions.{missing}")

    def ensure() -> list[str]:
        with db.transaction() as uow:
            return uow.partitions.ensure()

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
    assert _step(db) == RetentionStep("detached", old_partition)
    assert own.value("SELECT count(*) FROM mcp_logs") == 0
    assert _step(db) == RetentionStep("freed", old_partition)
    assert _step(db) is None, "the grace protects it"
    assert own.value("SELECT message FROM archive.mcp_logs_old") == "old"
    _end_of_grace(own)
    assert _step(db) == RetentionStep("dropped", old_partition)
    assert not _exists(own, old_partition)
    assert _step(db) is None


@pytest.mark.usefixtures("old_partition")
def test_a_worker_may_read_what_was_detached_but_not_change_it(own: TestDatabase, db: Database) -> None:
    _step(db)
    with psycopg.connect(own.worker_url) as connection:
        assert connection.execute("SELECT message FROM archive.mcp_logs_old").fetchall() == [("old",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM archive.mcp_logs_old")


@pytest.mark.usefixtures("old_partition")
def test_deleting_an_instance_does_not_reach_what_was_detached(own: TestDatabase, db: Database) -> None:
    """A detached partition keeps its foreign keys, and they would cascade into the archive."""
    _step(db)
    _step(db)
    own.ask("DELETE FROM mcp_instances")
    assert own.value("SELECT count(*) FROM archive.mcp_logs_old") == 1


@pytest.fixture
def kept(own: TestDatabase, db: Database, old_partition: str) -> str:
    """Have a partition that its policy wants archived, detached and past its grace."""
    own.ask("UPDATE maintenance.data_retention_policies SET strategy = 'detach_archive'")
    assert _step(db) == RetentionStep("detached", old_partition)
    _end_of_grace(own)
    return old_partition


def _mark(db: Database, relation: str, *, uri: str = "file:a", rows: int = 1, sha256: str = SHA256) -> bool:
    with db.transaction() as uow:
        return uow.partitions.mark_archived(relation, uri=uri, rows=rows, sha256=sha256)


def test_what_must_be_archived_is_not_dropped_before_it_was(own: TestDatabase, db: Database, kept: str) -> None:
    assert _step(db) == RetentionStep("freed", kept)
    assert _step(db) is None
    with db.transaction() as uow:
        assert [(each.relation, each.parent) for each in uow.partitions.unarchived()] == [(kept, "public.mcp_logs")]
    assert _mark(db, kept)
    with db.transaction() as uow:
        assert uow.partitions.unarchived() == []
    assert _step(db) == RetentionStep("dropped", kept)
    assert not _exists(own, kept)
    assert own.ask("SELECT archive_uri, archived_rows, archive_sha256 FROM maintenance.detached_partitions") == [
        ("file:a", 1, SHA256)
    ]


def test_a_date_alone_is_no_archive(own: TestDatabase, db: Database, kept: str) -> None:
    """Nobody counted what was archived."""
    _step(db)
    own.ask("UPDATE maintenance.detached_partitions SET archived_at = now()")
    assert _step(db) is None
    assert _exists(own, kept)


def test_an_archive_with_other_rows_is_refused(own: TestDatabase, db: Database, kept: str) -> None:
    _step(db)
    for rows in (0, 2):
        with pytest.raises(DataRefused, match=f"has 1 rows and its archive {rows}"):
            _mark(db, kept, rows=rows)
    assert _step(db) is None
    assert _exists(own, kept)


def test_a_partition_with_foreign_keys_is_not_archived_yet(db: Database, kept: str) -> None:
    """A delete elsewhere could still take its rows after they were counted."""
    with db.transaction() as uow:
        assert uow.partitions.unarchived() == []
    with pytest.raises(DataRefused, match="still has foreign keys"):
        _mark(db, kept)


def test_marking_an_archive_twice_changes_nothing_and_a_better_one_takes_its_place(
    own: TestDatabase, db: Database, kept: str
) -> None:
    _step(db)
    assert (_mark(db, kept), _mark(db, kept), _mark(db, kept, uri="file:b")) == (True, False, True)
    assert own.value("SELECT archive_uri FROM maintenance.detached_partitions") == "file:b"


@pytest.mark.parametrize("relation", ["archive.nothing", "public.users", "archive.mcp_logs_old; DROP TABLE users", ""])
def test_what_was_not_detached_cannot_be_marked(own: TestDatabase, db: Database, kept: str, relation: str) -> None:
    with pytest.raises(DataRefused, match="is not a partition that was detached"):
        _mark(db, relation)
    own.ask(f"DROP TABLE {kept}; CREATE TABLE {kept} (precious text)")
    with pytest.raises(DataRefused, match="is not a partition that was detached"):
        _mark(db, kept, rows=0)


def test_a_policy_that_asks_for_an_archive_later_is_heard(own: TestDatabase, db: Database, old_partition: str) -> None:
    _step(db)
    _step(db)
    own.ask("UPDATE maintenance.data_retention_policies SET strategy = 'detach_archive'")
    _end_of_grace(own)
    assert _step(db) is None
    assert _exists(own, old_partition)
    assert _mark(db, old_partition)
    assert _step(db) == RetentionStep("dropped", old_partition)


def test_an_archive_does_not_end_the_grace(own: TestDatabase, db: Database, kept: str) -> None:
    _step(db)
    own.ask("UPDATE maintenance.detached_partitions SET drop_after = now() + interval '1 day'")
    assert _mark(db, kept)
    assert _step(db) is None
    assert _exists(own, kept)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("check_archive", "archived_rows = 1"),
        ("check_archive", "archived_rows = 1, archive_uri = 'x', archive_sha256 = repeat('0', 64)"),
        (
            "check_archived_rows",
            "archived_rows = -1, archive_uri = 'x', archive_sha256 = repeat('0', 64), archived_at = now()",
        ),
        ("check_archive_sha256", "archived_rows = 1, archive_uri = 'x', archive_sha256 = 'x', archived_at = now()"),
    ],
)
@pytest.mark.usefixtures("kept")
def test_half_an_archive_is_none(own: TestDatabase, constraint: str, changes: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        own.ask(f"UPDATE maintenance.detached_partitions SET {changes}")  # noqa: S608  the test's own words
    assert refused.value.diag.constraint_name == constraint


def test_a_worker_cannot_shorten_a_retention_or_mark_past_the_count(own: TestDatabase, kept: str) -> None:
    with psycopg.connect(own.worker_url, autocommit=True) as worker:
        for statement in (
            "UPDATE maintenance.data_retention_policies SET retention_days = 1",
            "UPDATE maintenance.detached_partitions SET archived_rows = 1",
            f"DROP TABLE {kept}",
            f"TRUNCATE {kept}",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(statement.encode())


def test_every_partitioned_table_has_a_policy_that_fits_it(own: TestDatabase) -> None:
    """Unit, horizon, retention and what becomes of old partitions; none is kept by hand."""
    tables = own.ask(
        """
        SELECT n.nspname::text, c.relname::text, a.attname::text
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_partitioned_table p ON p.partrelid = c.oid AND p.partstrat = 'r' AND p.partnatts = 1
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
         WHERE c.relkind = 'p' ORDER BY 1, 2
        """
    )
    policies = own.ask(
        "SELECT schema_name, table_name, partition_column FROM maintenance.data_retention_policies ORDER BY 1, 2"
    )
    assert policies == tables
    assert own.ask(
        "SELECT DISTINCT partition_unit, units_ahead, grace_days, is_active FROM maintenance.data_retention_policies"
    ) == [("month", 3, 7, True)]


def test_a_namesake_of_a_detached_partition_is_not_dropped(own: TestDatabase, db: Database, old_partition: str) -> None:
    _step(db)
    own.ask(f"DROP TABLE {old_partition}")
    own.ask(f"CREATE TABLE {old_partition} (precious text)")
    _end_of_grace(own)
    assert _step(db) is None
    assert _exists(own, old_partition)


def test_a_partition_that_was_brought_back_is_not_dropped(own: TestDatabase, db: Database, old_partition: str) -> None:
    _step(db)
    at = TODAY - timedelta(days=400)
    own.ask(f"ALTER TABLE {old_partition} SET SCHEMA partitions")
    own.ask(
        "ALTER TABLE mcp_logs ATTACH PARTITION partitions.mcp_logs_old"
        f" FOR VALUES FROM ('{at:%Y-%m-%d}') TO ('{at + timedelta(days=30):%Y-%m-%d}')"
    )
    own.ask("UPDATE maintenance.data_retention_policies SET retention_days = 1000")
    _end_of_grace(own)
    assert _step(db) is None
    assert own.value("SELECT count(*) FROM mcp_logs") == 1


def test_a_table_that_somebody_reads_for_long_is_left_for_the_next_run(
    own: TestDatabase, db: Database, old_partition: str
) -> None:
    """As pg_dump does; nobody may be paged for that, and other tables must not wait for it."""
    with psycopg.connect(own.admin_url) as reader:
        reader.execute("SELECT count(*) FROM mcp_logs")
        assert _step(db) is None
    assert _step(db) == RetentionStep("detached", old_partition)


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
