"""What a tenant or an instance has is kept while it is held, whatever the policies say."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from db import erasing
from db.__main__ import main
from db.engine import Database
from db.errors import UserHeld
from db.repositories.partitions import RetentionStep
from tests.databases import TestDatabase

from .retention import end_of_grace, exists, step

OLD = "archive.mcp_logs_old"


@pytest.fixture
def due(own: TestDatabase, db: Database, old_partition: str) -> str:
    """Have a partition that the next step drops."""
    assert step(db) == RetentionStep("detached", old_partition)
    assert step(db) == RetentionStep("freed", old_partition)
    end_of_grace(own)
    return old_partition


def run(own: TestDatabase, *arguments: str) -> int:
    return main(["holds", *arguments, "--by", "the court"], {"DATABASE_ADMIN_URL": own.admin_url})


def the_instance(own: TestDatabase) -> str:
    return str(own.value("SELECT id FROM mcp_instances"))


def the_hold(own: TestDatabase) -> str:
    return str(own.value("SELECT id FROM maintenance.legal_holds"))


def test_a_partition_with_rows_of_a_held_instance_stays_until_the_hold_is_released(
    own: TestDatabase, db: Database, due: str
) -> None:
    assert run(own, "add", "--instance", the_instance(own), "--reason", "case 7") == 0
    for _ in range(2):
        assert step(db) is None
    assert exists(own, due)
    assert str(own.value("SELECT held_by FROM maintenance.detached_partitions")) == the_hold(own)
    assert run(own, "release", the_hold(own)) == 0
    assert step(db) == RetentionStep("dropped", due)


def test_a_partition_with_rows_of_a_held_tenant_stays_until_the_hold_is_over(
    own: TestDatabase, db: Database, due: str
) -> None:
    own.ask("INSERT INTO tenants (id, name) VALUES ('acme', 'Acme'); UPDATE users SET tenant_id = 'acme'")
    assert run(own, "add", "--tenant", "acme", "--reason", "case 7") == 0
    assert step(db) is None
    own.ask("UPDATE maintenance.legal_holds SET since = now() - interval '2 days', until = now() - interval '1 day'")
    assert step(db) == RetentionStep("dropped", due)


def test_lines_of_an_instance_that_was_moved_to_the_archive_are_held_with_its_tenant(
    own: TestDatabase, db: Database, due: str
) -> None:
    own.ask("INSERT INTO tenants (id, name) VALUES ('acme', 'Acme'); UPDATE users SET tenant_id = 'acme'")
    instance_id = the_instance(own)
    own.ask("CREATE TABLE moved AS SELECT * FROM mcp_instances")
    own.ask(
        "INSERT INTO mcp_instances_archive (id, user_id, mcp_type_id, host_id, access_token_hash, access_url, status,"
        " is_active, expires_at, config, stats, created_at, updated_at, pending_since)"
        " SELECT id, user_id, mcp_type_id, host_id, access_token_hash, access_url, status, is_active, expires_at,"
        " config, stats, created_at, updated_at, pending_since FROM moved"
    )
    own.ask("DELETE FROM mcp_instances")
    assert run(own, "add", "--tenant", "acme", "--reason", "case 7") == 0
    assert step(db) is None
    assert run(own, "release", the_hold(own)) == 0
    own.ask("DELETE FROM maintenance.legal_holds")
    assert run(own, "add", "--instance", instance_id, "--reason", "case 8") == 0
    assert step(db) is None
    assert exists(own, due)


@pytest.mark.usefixtures("due")
def test_a_hold_on_others_keeps_nothing(own: TestDatabase, db: Database) -> None:
    own.ask("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    assert run(own, "add", "--tenant", "other", "--reason", "case 8") == 0
    assert step(db) == RetentionStep("dropped", OLD)


def test_a_user_who_is_held_cannot_be_erased(own: TestDatabase, db: Database, due: str) -> None:
    assert run(own, "add", "--instance", the_instance(own), "--reason", "case 7") == 0
    user_id = UUID(str(own.value("SELECT id FROM users")))
    with pytest.raises(UserHeld, match=rf"is held \(case 7; hold {the_hold(own)}, ordered by the court\): release"):
        erasing.erase(db, user_id)
    assert own.value("SELECT is_active FROM users")
    assert run(own, "release", the_hold(own)) == 0
    erasing.erase(db, user_id)
    assert own.value("SELECT count(*) FROM users") == 0
    assert exists(own, due)


REFUSED = [
    (["add", "--tenant", "nobody", "--reason", "x"], "There is no tenant nobody: nothing is held."),
    (["add", "--instance", str(uuid4()), "--reason", "x"], "nothing is held."),
    (["add", "--tenant", "acme", "--reason", " "], "says why it is and who ordered it"),
    (["add", "--tenant", "acme", "--reason", "x", "--until", "2020-01-01"], "ends after it begins"),
    (["release", str(uuid4())], "`python -m db holds list` shows which hold"),
]


def test_a_hold_that_makes_no_sense_is_refused(own: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    own.ask("INSERT INTO tenants (id, name) VALUES ('acme', 'Acme')")
    for arguments, sentence in REFUSED:
        assert run(own, *arguments) == 1
        assert sentence in capsys.readouterr().err
    assert own.value("SELECT count(*) FROM maintenance.legal_holds") == 0


def test_holds_are_told_and_stay_on_record(own: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    own.ask("INSERT INTO tenants (id, name) VALUES ('acme', 'Acme')")
    until = datetime.now(UTC) + timedelta(days=9)
    assert run(own, "add", "--tenant", "acme", "--reason", "case 7", "--until", until.isoformat()) == 0
    assert main(["holds", "list"], {"DATABASE_URL": own.worker_url}) == 0
    assert f"tenant acme  since {datetime.now(UTC):%Y-%m-%d} until {until:%Y-%m-%d}" in capsys.readouterr().out
    assert run(own, "release", the_hold(own)) == 0
    assert run(own, "release", the_hold(own)) == 1
    assert main(["holds", "list", "--json"], {"DATABASE_URL": own.worker_url}) == 0
    assert '"released_by": "the court"' in capsys.readouterr().out
    assert own.ask("SELECT action FROM audit_log WHERE table_name = 'maintenance.legal_holds' ORDER BY created_at") == [
        ("INSERT",),
        ("UPDATE",),
    ]


def test_a_worker_cannot_hold_or_release(shared: TestDatabase) -> None:
    with psycopg.connect(shared.worker_url, autocommit=True) as worker:
        for statement in (
            "UPDATE maintenance.legal_holds SET released_at = now(), released_by = 'x'",
            "UPDATE maintenance.row_policies SET keep_days = 1",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(statement.encode())


def test_every_partitioned_table_tells_whose_its_rows_are(shared: TestDatabase) -> None:
    """But for the inbox, which has ids of messages and nothing else."""
    silent = shared.ask(
        """
        SELECT d.table_name FROM maintenance.data_retention_policies d
         WHERE maintenance.held_rows(format('%I.%I', d.schema_name, d.table_name)::regclass,
                                     ROW(NULL, 'a', NULL, 'x', 'x', now(), NULL, NULL, NULL)::maintenance.legal_holds)
               = 'false'
        """
    )
    assert silent == [("inbox",)]
