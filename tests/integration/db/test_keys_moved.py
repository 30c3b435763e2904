"""The newest key of each user and service moves from dedicated instances to shared services."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest

from db import moving
from db.__main__ import main
from db.engine import Database
from db.errors import KeyRefused, SecretUnreadable, UnknownService, UnknownUser
from db.moving import Fate, Moved
from db.secret import Secret, decrypt, place_of_share
from tests.databases import TestDatabase

from .dedicated import MASTER, OTHER_RING, RING, Dedicated
from .given import at_once

HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def given(test_database: TestDatabase) -> Dedicated:
    return Dedicated(test_database)


def _key_of(database: TestDatabase, user_id: UUID, service: str = "figma") -> str:
    """Give the key of a user's share, as only the share's own place opens it."""
    ((instance_id, token),) = database.ask(
        "SELECT instance_id, encrypted_api_key FROM user_service_instances WHERE user_id = %s AND service_type = %s",
        user_id,
        service,
    )
    return decrypt(Secret.parse(str(token)), place_of_share(str(instance_id), user_id, service), RING)


def _reasons(moved: Moved) -> dict[UUID, str]:
    return {fate.key.user_id: fate.reason for fate in moved.told if fate.outcome == "skipped"}


def _outcomes(fates: list[Fate]) -> dict[UUID | None, str]:
    return {fate.key.api_key_id: fate.outcome for fate in fates}


def _everything(database: TestDatabase) -> list[tuple[object, ...]]:
    return [
        *database.ask("SELECT * FROM user_service_instances ORDER BY 1"),
        *database.ask("SELECT * FROM shared_moves ORDER BY 1"),
        *database.ask("SELECT * FROM api_keys ORDER BY 1"),
        *database.ask("SELECT * FROM mcp_instances ORDER BY 1"),
        *database.ask("SELECT * FROM encryption_keys ORDER BY 1"),
        *database.ask("SELECT * FROM maintenance.runs ORDER BY 1"),
    ]


def test_a_key_is_encrypted_anew_for_its_share(given: Dedicated, database: Database) -> None:
    user_id = given.a_user()
    key_id = given.a_key(user_id, plaintext="figd-żółw")
    instance_id = given.an_instance(user_id, api_key_id=key_id, config='{"team": 7}')
    before = given.database.ask("SELECT * FROM api_keys"), given.database.ask("SELECT * FROM mcp_instances")
    assert moving.migrate(database, RING).counts == {"migrated": 1}
    assert _key_of(given.database, user_id) == "figd-żółw"
    assert given.database.ask(
        "SELECT migrated_from_instance_id, config, is_active, key_fingerprint, encryption_key_id, last_used_at IS NULL"
        " FROM user_service_instances"
    ) == [(instance_id, {"team": 7}, True, "print", "2026-11", False)]
    assert before == (given.database.ask("SELECT * FROM api_keys"), given.database.ask("SELECT * FROM mcp_instances"))


def test_a_share_cannot_be_read_in_the_place_of_another(given: Dedicated, database: Database) -> None:
    ada, bob = given.a_user(), given.a_user()
    given.a_key(ada)
    given.a_key(bob, plaintext="bob's")
    moving.migrate(database, RING)
    given.database.ask(
        "UPDATE user_service_instances SET encrypted_api_key ="
        " (SELECT encrypted_api_key FROM user_service_instances WHERE user_id = %s) WHERE user_id = %s",
        bob,
        ada,
    )
    with pytest.raises(SecretUnreadable):
        _key_of(given.database, ada)


def test_of_two_keys_for_one_service_the_newest_wins(given: Dedicated, database: Database) -> None:
    given.a_type("figma-beta", "figma")
    user_id = given.a_user()
    older = given.a_key(user_id, "figma", "older", days_old=9)
    newer = given.a_key(user_id, "figma-beta", "newer", days_old=2)
    moved = moving.migrate(database, RING)
    assert _outcomes(moved.told) == {newer: "migrated", older: "superseded"}
    assert _key_of(given.database, user_id) == "newer"


def test_a_type_that_names_no_service_moves_to_the_one_of_its_name(given: Dedicated, database: Database) -> None:
    given.database.ask("UPDATE mcp_types SET service_type = NULL")
    given.a_key(given.a_user())
    assert moving.migrate(database, RING).counts == {"migrated": 1}


def test_what_cannot_move_is_told_with_its_reason_and_the_rest_moves(given: Dedicated, database: Database) -> None:
    given.a_type("homemade", None)
    given.database.ask("UPDATE service_registry SET is_available = false WHERE service_type = 'slack'")
    given.a_type("slack-bot", "slack")
    expected = {}

    def skipped(reason: str, mcp_type: str = "figma", *, deleted_at: object = None, **key: object) -> None:
        user_id = given.a_user(deleted_at=deleted_at)
        given.a_key(user_id, mcp_type, **key)  # type: ignore[arg-type]  # wishes of a key
        expected[user_id] = reason

    skipped("user_deleted", deleted_at=HOUR_AGO)
    skipped("service_unknown", "homemade")
    skipped("service_unavailable", "slack-bot")
    skipped("key_revoked", is_active=False)
    skipped("key_expired", expires_at=HOUR_AGO)
    skipped("key_unreadable", ring=OTHER_RING)
    idle = given.a_user(is_active=False)
    given.a_key(idle)
    keyless = given.a_user()
    given.an_instance(keyless)
    expected |= {idle: "user_inactive", keyless: "no_key"}
    fine = given.a_user()
    given.a_key(fine)
    moved = moving.migrate(database, RING)
    assert _reasons(moved) == expected
    assert moved.counts == {"migrated": 1, "skipped": len(expected)}
    assert all(fate.sentence() for fate in moved.told if fate.reason)


def test_an_older_key_does_not_take_the_place_of_one_that_cannot_be_read(given: Dedicated, database: Database) -> None:
    """The user replaced it, perhaps because it had leaked; when the master key is back, the newest moves."""
    given.a_type("figma-beta", "figma")
    user_id = given.a_user()
    given.a_key(user_id, "figma", "older", days_old=9)
    newest = given.a_key(user_id, "figma-beta", "newest")
    column = given.database.value("SELECT encrypted_key FROM api_keys WHERE id = %s", newest)
    given.database.ask("UPDATE api_keys SET encrypted_key = 'AAAA' WHERE id = %s", newest)
    moved = moving.migrate(database, RING)
    assert sorted(fate.reason for fate in moved.told) == ["key_unreadable", "newer_key_unreadable"]
    given.database.ask("UPDATE api_keys SET encrypted_key = %s WHERE id = %s", column, newest)
    assert moving.migrate(database, RING).counts == {"migrated": 1, "superseded": 1}
    assert _key_of(given.database, user_id) == "newest"


def test_a_share_that_the_user_was_given_stays(given: Dedicated, database: Database) -> None:
    user_id = given.a_user()
    moving.migrate(database, RING)
    given.database.ask(
        "INSERT INTO user_service_instances (instance_id, user_id, service_type, encrypted_api_key, encryption_key_id)"
        " VALUES ('theirs', %s, 'figma', 'sealed', '2026-11')",
        user_id,
    )
    given.a_key(user_id)
    assert _reasons(moving.migrate(database, RING)) == {user_id: "share_exists"}


def test_running_it_twice_changes_nothing(given: Dedicated, database: Database) -> None:
    for _ in range(3):
        given.a_key(given.a_user())
    moving.migrate(database, RING)
    before = _everything(given.database)
    assert moving.migrate(database, RING).counts == {"unchanged": 3}
    assert _everything(given.database) == before


def test_a_key_that_was_replaced_after_the_transaction_began_moved_all_the_same(
    given: Dedicated, database: Database
) -> None:
    user_id = given.a_user()
    given.a_key(user_id)
    with database.transaction() as uow:
        user_ids = uow.moves.users(after=None, limit=1)
        given.database.ask("UPDATE api_keys SET created_at = clock_timestamp()")
        moving.move(uow, RING, user_ids)
    assert moving.migrate(database, RING).counts == {"unchanged": 1}


def test_a_secret_in_the_place_of_another_is_a_new_key_and_one_that_is_wrapped_anew_is_not(
    given: Dedicated, database: Database
) -> None:
    given.a_key(given.a_user())
    moving.migrate(database, RING)
    given.database.ask("UPDATE api_keys SET encrypted_dek = 'anew', encrypted_key = encrypted_key")
    assert moving.migrate(database, RING).counts == {"unchanged": 1}
    given.database.ask("UPDATE api_keys SET encrypted_key = 'another'")
    assert moving.migrate(database, RING).counts == {"skipped": 1}


def test_a_share_that_was_given_up_does_not_come_back(given: Dedicated, database: Database) -> None:
    given.a_key(given.a_user())
    moving.migrate(database, RING)
    given.database.ask("DELETE FROM user_service_instances")
    assert moving.migrate(database, RING).counts == {"unchanged": 1}


def test_a_rehearsal_says_the_same_and_changes_nothing(given: Dedicated, database: Database) -> None:
    given.a_key(given.a_user())
    given.a_key(given.a_user(), ring=OTHER_RING)
    before = _everything(given.database)
    rehearsed = moving.migrate(database, RING, is_rehearsal=True)
    assert _everything(given.database) == before
    assert rehearsed.counts == moving.migrate(database, RING).counts == {"migrated": 1, "skipped": 1}


def test_what_was_interrupted_is_taken_up_where_it_was(given: Dedicated, database: Database) -> None:
    users = [given.a_user() for _ in range(7)]
    for user_id in users:
        given.a_key(user_id, plaintext=str(user_id))
    told: list[str] = []

    def stop_at_the_second(step: str) -> None:
        told.append(step)
        if len(told) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moving.migrate(database, RING, report=stop_at_the_second, users_at_once=2)
    assert told == ["2 users looked at, 2 keys migrated", "4 users looked at, 4 keys migrated"]
    assert given.database.value("SELECT count(*) FROM user_service_instances") == 4
    assert moving.migrate(database, RING).counts == {"migrated": 3, "unchanged": 4}
    assert {_key_of(given.database, user_id) for user_id in users} == {str(user_id) for user_id in users}


def test_two_at_once_move_each_key_once(given: Dedicated, database: Database) -> None:
    for _ in range(30):
        given.a_key(given.a_user())
    counts: Counter[str] = Counter()
    for moved in at_once([lambda: moving.migrate(database, RING, users_at_once=7)] * 3):
        counts.update(moved.counts)
    assert counts == {"migrated": 30, "unchanged": 60}
    assert given.database.value("SELECT count(*) FROM user_service_instances") == 30


def test_a_key_that_is_being_revoked_is_waited_for(given: Dedicated, database: Database) -> None:
    user_id = given.a_user()
    given.a_key(user_id)
    waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE '/* moves%%' AND wait_event_type = 'Lock')"
    with psycopg.connect(given.database.worker_url) as other, ThreadPoolExecutor(1) as thread:
        other.execute("UPDATE api_keys SET is_active = false")
        moved = thread.submit(moving.migrate, database, RING)
        while not moved.done() and not given.database.value(waiting):
            pass
        other.commit()
        assert _reasons(moved.result()) == {user_id: "key_revoked"}


def test_one_service_or_one_user_can_be_moved_alone(given: Dedicated, database: Database) -> None:
    ada, bob = given.a_user(), given.a_user()
    given.a_type("trello", "trello")
    for user_id in (ada, bob):
        given.a_key(user_id, "figma")
        given.a_key(user_id, "trello")
    assert moving.migrate(database, RING, service_type="trello", user_id=bob).counts == {"migrated": 1}
    assert moving.migrate(database, RING, service_type="trello").counts == {"migrated": 1, "unchanged": 1}
    assert moving.migrate(database, RING, user_id=ada).counts == {"migrated": 1, "unchanged": 1}
    with pytest.raises(UnknownService, match="No shared service nothing"):
        moving.migrate(database, RING, service_type="nothing")
    with pytest.raises(UnknownUser, match="There is no user"):
        moving.migrate(database, RING, user_id=uuid4())


def test_without_a_master_key_nothing_moves(given: Dedicated, database: Database) -> None:
    with pytest.raises(KeyRefused, match="set MASTER_KEYS"):
        moving.migrate(database, type(RING).parse(""))
    given.a_key(given.a_user())
    with pytest.raises(KeyRefused, match="MASTER_KEYS does not hold"):
        moving.migrate(database, type(RING).parse(""))


def test_the_command_reports_for_people_and_for_programs(given: Dedicated, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"DATABASE_URL": given.database.worker_url, "MASTER_KEYS": MASTER}
    user_id, gone = given.a_user(), given.a_user(deleted_at=HOUR_AGO)
    given.a_key(user_id)
    given.a_key(gone)
    assert main(["migrate-to-shared", "--dry-run", "--json"], environment) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["dry_run"], len(facts["migrated"]), facts["skipped"][0]["reason"]) == (True, 1, "user_deleted")
    assert main(["migrate-to-shared"], environment) == 0
    printed = capsys.readouterr().out
    assert printed.splitlines()[-2:] == [
        f"skipped     {gone} figma: the user is deleted",
        "1 keys moved to shared services; 0 superseded, 1 skipped, 0 unchanged.",
    ]
    share = given.database.value("SELECT instance_id FROM user_service_instances")
    assert "figd-secret" not in printed
    assert str(share) not in printed
    assert given.database.ask("SELECT task, affected FROM maintenance.runs") == [("migrate-to-shared", 1)]
    assert main(["migrate-to-shared", "--service", "nothing"], environment) == 1
    assert main(["migrate-to-shared"], {"DATABASE_URL": given.database.worker_url}) == 1
    assert "MASTER_KEYS does not hold: add it" in capsys.readouterr().err
