"""Dedicated instances and keys go to the archive when they moved and nobody uses them."""

import json
from uuid import UUID

import psycopg
import pytest

from db import archiving, moving
from db.__main__ import main
from db.engine import Database
from db.secret import Secret, decrypt, place_of_key
from tests.databases import TestDatabase

from .dedicated import RING, Dedicated


@pytest.fixture
def given(test_database: TestDatabase) -> Dedicated:
    return Dedicated(test_database)


def _ids(database: TestDatabase, table: str) -> set[object]:
    return {row[0] for row in database.ask(f"SELECT id FROM {table}")}  # noqa: S608  our own names


def _an_expired_one(given: Dedicated, database: Database) -> tuple[UUID, UUID]:
    """Have an instance that ended and a key, both moved."""
    user_id = given.a_user()
    key_id = given.a_key(user_id)
    instance_id = given.an_instance(user_id, api_key_id=key_id, status="expired")
    moving.migrate(database, RING)
    return instance_id, key_id


def test_what_moved_and_ended_is_archived_whole(given: Dedicated, database: Database) -> None:
    instance_id, key_id = _an_expired_one(given, database)
    given.database.ask("UPDATE mcp_instances SET restored_at = now(), stats_at = now()")
    columns = {
        table: given.database.ask(f"SELECT to_jsonb(t) FROM {table} t")  # noqa: S608  our own names
        for table in ("mcp_instances", "api_keys", "mcp_events")
    }
    done = archiving.archive(database)
    assert (done.instances, done.keys, done.waiting) == (1, 1, {})
    for table, rows in columns.items():
        assert given.database.ask(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608  our own names
        archived = f"SELECT to_jsonb(t) - 'archived_at' FROM {table}_archive t"  # noqa: S608  our own names
        assert given.database.ask(archived) == rows
    assert _ids(given.database, "mcp_instances_archive") == {instance_id}
    ((user_id, type_id, *stored),) = given.database.ask(
        "SELECT user_id, mcp_type_id, encryption_key_id, encrypted_dek, encryption_iv, encrypted_key"
        " FROM api_keys_archive"
    )
    assert isinstance(user_id, UUID)
    assert isinstance(type_id, UUID)
    assert decrypt(Secret(*map(str, stored)), place_of_key(key_id, user_id, type_id), RING) == "figd-secret"
    assert archiving.archive(database).facts() == {"dry_run": False, "instances": 0, "keys": 0, "waiting": {}}


def test_an_instance_that_is_held_is_not_moved(given: Dedicated, database: Database) -> None:
    instance_id, _ = _an_expired_one(given, database)
    given.database.ask(
        "INSERT INTO maintenance.legal_holds (instance_id, reason, asked_by) VALUES (%s, 'case 7', 'the court')",
        instance_id,
    )
    assert archiving.archive(database).instances == 0
    given.database.ask("DELETE FROM maintenance.legal_holds")
    assert archiving.archive(database).instances == 1


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_live_instance_and_its_key_stay(given: Dedicated, database: Database, status: str) -> None:
    user_id = given.a_user()
    given.a_key(user_id)
    given.an_instance(user_id, status=status)
    moving.migrate(database, RING)
    done = archiving.archive(database)
    assert (done.instances, done.keys, done.waiting) == (0, 0, {"live": 1, "key_in_use": 1})


def test_an_instance_that_was_deleted_is_not_live(given: Dedicated, database: Database) -> None:
    user_id = given.a_user()
    given.a_key(user_id)
    given.an_instance(user_id)
    given.database.ask("UPDATE mcp_instances SET deleted_at = now()")
    moving.migrate(database, RING)
    assert archiving.archive(database).instances == 1


def test_what_did_not_move_stays(given: Dedicated, database: Database) -> None:
    """Nobody may lose a key or an instance because something else of theirs moved."""
    given.a_type("homemade", None)
    user_id = given.a_user()
    given.a_key(user_id, "figma")
    kept = given.a_key(user_id, "homemade")
    instance_id = given.an_instance(user_id, "homemade", status="expired", api_key_id=kept)
    moving.migrate(database, RING)
    assert archiving.archive(database).facts() == {"dry_run": False, "instances": 0, "keys": 1, "waiting": {}}
    assert _ids(given.database, "api_keys") == {kept}
    assert _ids(given.database, "mcp_instances") == {instance_id}


def test_a_key_that_came_after_the_move_stays(given: Dedicated, database: Database) -> None:
    _an_expired_one(given, database)
    given.database.ask("DELETE FROM mcp_instances; UPDATE api_keys SET encrypted_key = 'newer'")
    assert archiving.archive(database).keys == 0


def test_instances_stay_while_their_user_has_a_key_that_came_after_the_move(
    given: Dedicated, database: Database
) -> None:
    _an_expired_one(given, database)
    given.database.ask("UPDATE api_keys SET encrypted_key = 'newer'")
    done = archiving.archive(database)
    assert (done.instances, done.waiting) == (0, {"newer_key": 1})
    assert any("another key since" in sentence for sentence in done.sentences())
    given.database.ask("UPDATE api_keys SET created_at = now() - interval '1 day'")
    assert archiving.archive(database).instances == 1


@pytest.mark.parametrize(
    ("reason", "statement"),
    [
        ("logs_kept", "INSERT INTO mcp_logs (mcp_instance_id, message) SELECT id, 'mine' FROM mcp_instances"),
        (
            "checks_kept",
            (
                "WITH targets AS (INSERT INTO health_targets (id, kind, mcp_instance_id)"
                " SELECT id, 'instance', id FROM mcp_instances RETURNING id)"
                " INSERT INTO health_checks (target_id, scheduled_at, checked_at, verdict)"
                " SELECT id, now(), now(), 'up' FROM targets"
            ),
        ),
    ],
)
def test_lines_and_checks_are_not_deleted_with_an_instance(
    given: Dedicated, database: Database, reason: str, statement: str
) -> None:
    """They hang on it by foreign keys that cascade; retention takes them with their month."""
    _an_expired_one(given, database)
    given.database.ask(statement)
    assert archiving.archive(database).waiting == {reason: 1, "key_in_use": 1}
    given.database.ask("DELETE FROM mcp_logs; DELETE FROM health_checks")
    assert archiving.archive(database).instances == 1


def test_an_instance_that_somebody_holds_waits(given: Dedicated, database: Database) -> None:
    """A line or an event that is being written holds its instance, and would vanish with it."""
    _an_expired_one(given, database)
    with psycopg.connect(given.database.worker_url) as writer:
        writer.execute("INSERT INTO mcp_events (mcp_instance_id, event_type) SELECT id, 'late' FROM mcp_instances")
        assert archiving.archive(database).waiting == {"busy": 1, "key_in_use": 1}
    assert archiving.archive(database).instances == 1
    assert given.database.value("SELECT count(*) FROM mcp_events_archive") == 2


def test_a_rehearsal_says_the_same_and_changes_nothing(given: Dedicated, database: Database) -> None:
    for _ in range(3):
        _an_expired_one(given, database)
    rehearsed = archiving.archive(database, is_rehearsal=True, users_at_once=2)
    assert (rehearsed.instances, rehearsed.keys) == (3, 3)
    assert len(_ids(given.database, "mcp_instances")) == 3
    done = archiving.archive(database, users_at_once=2)
    assert (done.instances, done.keys, done.waiting) == (3, 3, rehearsed.waiting)


def test_moving_again_after_archiving_changes_nothing(given: Dedicated, database: Database) -> None:
    _an_expired_one(given, database)
    archiving.archive(database)
    assert moving.migrate(database, RING).counts == {}
    assert given.database.value("SELECT count(*) FROM user_service_instances") == 1


def test_the_command_reports_for_people_and_for_programs(
    given: Dedicated, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": given.database.worker_url}
    _an_expired_one(given, database)
    given.an_instance(given.database.value("SELECT id FROM users"))  # type: ignore[arg-type]  # a UUID
    assert main(["archive-dedicated", "--dry-run", "--json"], environment) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts == {"dry_run": True, "instances": 1, "keys": 0, "waiting": {"live": 1, "key_in_use": 1}}
    assert main(["archive-dedicated"], environment) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 users looked at, 1 instances and 0 keys archived",
        "waiting  1 instances are still pending or running",
        "waiting  1 keys are still used by an instance",
        "1 instances and 0 keys went to the archive.",
    ]
    assert given.database.value("SELECT affected FROM maintenance.runs WHERE task = 'archive-dedicated'") == 1
