"""What must be archived is dropped only when its archive was counted against it."""

import psycopg
import pytest

from db.engine import Database
from db.errors import DataRefused
from db.repositories.partitions import RetentionStep
from tests.databases import TestDatabase

from .retention import end_of_grace, exists, step

SHA256 = "0" * 64


def _mark(db: Database, relation: str, *, uri: str = "file:a", rows: int = 1, sha256: str = SHA256) -> bool:
    with db.transaction() as uow:
        return uow.partitions.mark_archived(relation, uri=uri, rows=rows, sha256=sha256)


def test_what_must_be_archived_is_not_dropped_before_it_was(own: TestDatabase, db: Database, kept: str) -> None:
    assert step(db) == RetentionStep("freed", kept)
    assert step(db) is None
    with db.transaction() as uow:
        assert [(each.relation, each.parent) for each in uow.partitions.unarchived()] == [(kept, "public.mcp_logs")]
    assert _mark(db, kept)
    with db.transaction() as uow:
        assert uow.partitions.unarchived() == []
    assert step(db) == RetentionStep("dropped", kept)
    assert not exists(own, kept)
    assert own.ask("SELECT archive_uri, archived_rows, archive_sha256 FROM maintenance.detached_partitions") == [
        ("file:a", 1, SHA256)
    ]


def test_a_date_alone_is_no_archive(own: TestDatabase, db: Database, kept: str) -> None:
    """Nobody counted what was archived."""
    step(db)
    own.ask("UPDATE maintenance.detached_partitions SET archived_at = now()")
    assert step(db) is None
    assert exists(own, kept)


def test_an_archive_with_other_rows_is_refused(own: TestDatabase, db: Database, kept: str) -> None:
    step(db)
    for rows in (0, 2):
        with pytest.raises(DataRefused, match=f"has 1 rows and its archive {rows}"):
            _mark(db, kept, rows=rows)
    assert step(db) is None
    assert exists(own, kept)


def test_a_partition_with_foreign_keys_is_not_archived_yet(db: Database, kept: str) -> None:
    """A delete elsewhere could still take its rows after they were counted."""
    with db.transaction() as uow:
        assert uow.partitions.unarchived() == []
    with pytest.raises(DataRefused, match="still has foreign keys"):
        _mark(db, kept)


def test_marking_an_archive_twice_changes_nothing_and_a_better_one_takes_its_place(
    own: TestDatabase, db: Database, kept: str
) -> None:
    step(db)
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
    step(db)
    step(db)
    own.ask("UPDATE maintenance.data_retention_policies SET strategy = 'detach_archive'")
    end_of_grace(own)
    assert step(db) is None
    assert exists(own, old_partition)
    assert _mark(db, old_partition)
    assert step(db) == RetentionStep("dropped", old_partition)


def test_an_archive_does_not_end_the_grace(own: TestDatabase, db: Database, kept: str) -> None:
    step(db)
    own.ask("UPDATE maintenance.detached_partitions SET drop_after = now() + interval '1 day'")
    assert _mark(db, kept)
    assert step(db) is None
    assert exists(own, kept)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        ("check_archive", "archived_rows = 1"),
        ("check_archive", "archived_rows = 1, archive_uri = 'x', archive_sha256 = repeat('0', 64)"),
        (
            "check_archived_rows",
            "archived_rows = -1, archive_uri = 'x', archive_sha256 = repeat('0', 64), archived_at = now()",
        ),
        ("check_archiving", "archiving_until = now()"),
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
