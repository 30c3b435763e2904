"""A user is forgotten by message: in small steps, each once, and what comes later creates nothing anew."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import pytest

from db import erasing
from db.__main__ import main
from db.engine import Database
from db.repositories.shares import NewShare
from db.unit_of_work import UnitOfWork
from producers import (
    ContinueErasure,
    CreateInstance,
    EraseUser,
    HealthReport,
    HealthReported,
    InstanceAccessed,
    InstanceStarted,
    LogLine,
    LogsEmitted,
    Message,
    ProvisionService,
    RestoreInstance,
    ServiceUsed,
    Use,
    Verdict,
)
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import USER, create, delivered, due, reasons
from workers.applier import EARLY_ATTEMPTS, Applier

pytestmark = pytest.mark.usefixtures("user")

NOW: Final = datetime.now(UTC)
SHARE: Final = "figma_0123456789abcdef"


def finish(applier: Applier, database: Database, message: Message) -> int:
    """Apply a message and what follows it; say how many messages that were."""
    waiting, done = [delivered(message)], 0
    while waiting:
        for delivery in waiting:
            applier(delivery)
        done += len(waiting)
        waiting = due(database, [ContinueErasure.wire_name])
    return done


@pytest.fixture
def instance(applier: Applier, database: Database, user: None) -> UUID:
    """Have a user who has an instance with lines, and a share that was used."""
    del user
    wish = create()
    applier(delivered(wish))
    with database.transaction() as uow:
        uow.shares.provision(NewShare(SHARE, USER, "figma", asked_at=NOW))
    line = LogLine(instance_id=wish.instance_id, timestamp=NOW, message="Ada was here")
    applier(delivered(LogsEmitted(lines=[line] * 30)))
    applier(delivered(ServiceUsed(uses=[Use(share_id=SHARE, used_at=NOW)])))
    assert reasons_of(database) == []
    return wish.instance_id


def reasons_of(database: Database) -> list[str]:
    with database.transaction() as uow:
        return [letter.reason for letter in uow.dead_letters.list()]


@pytest.mark.usefixtures("instance")
def test_a_user_is_forgotten_in_steps_that_follow_each_other(
    applier: Applier, database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing.go_on, "__kwdefaults__", {"rows_at_once": 10})
    message = EraseUser(user_id=USER)
    assert finish(applier, database, message) > 4
    finish(applier, database, message)
    left = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM mcp_logs), (SELECT count(*) FROM redeliveries)"
    assert test_database.ask(left) == [(0, 0, 0)]
    assert test_database.value("SELECT counts ->> 'public.mcp_logs' FROM maintenance.erasures") == "30"
    trail = "SELECT count(*) FROM audit_log WHERE table_name = 'users' AND action = 'DELETE' AND user_id IS NULL"
    assert test_database.value(trail) == 1
    assert reasons(test_database) == []


@pytest.mark.usefixtures("instance")
def test_a_step_whose_worker_dies_is_done_again(
    applier: Applier, database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    applier(delivered(EraseUser(user_id=USER)))
    (step,) = due(database, [ContinueErasure.wire_name])

    def die(uow: UnitOfWork, erasure_id: UUID) -> bool:
        uow.erasures.go_on(erasure_id, limit=1_000)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "go_on", die)
        with pytest.raises(SystemExit):
            applier(step)
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 30
    applier(step)
    assert test_database.value("SELECT count(*) FROM users") == 0


LATE: Final[Mapping[str, Callable[[UUID], Message]]] = {
    "create": lambda _: CreateInstance(instance_id=uuid4(), user_id=USER, mcp_type="figma", access_token_hash="a" * 64),
    "provision": lambda _: ProvisionService(user_id=USER, share_id=SHARE, service_type="figma"),
    "start": lambda each: InstanceStarted(instance_id=each, process_id=1, process_started_at=NOW),
    "access": lambda each: InstanceAccessed(instance_id=each),
    "restore": lambda each: RestoreInstance(instance_id=each),
    "lines": lambda each: LogsEmitted(lines=[LogLine(instance_id=each, timestamp=NOW, message="late")]),
    "health": lambda each: HealthReported(
        reports=[HealthReport(instance_id=each, scheduled_at=NOW, checked_at=NOW, verdict=Verdict.UP)]
    ),
    "use": lambda _: ServiceUsed(uses=[Use(share_id=SHARE, used_at=NOW)]),
}


@pytest.mark.parametrize("name", LATE)
def test_what_comes_after_the_erasure_creates_nothing_anew_and_is_erased_when_it_is_asked_for_again(
    applier: Applier, database: Database, test_database: TestDatabase, instance: UUID, name: str
) -> None:
    finish(applier, database, EraseUser(user_id=USER))
    applier(delivered(LATE[name](instance), attempts=EARLY_ATTEMPTS))
    alive = ("users", "mcp_instances", "mcp_logs", "mcp_events", "user_service_instances", "service_usage_analytics")
    for table in (*alive, "health_checks", "health_targets", "api_keys"):
        assert test_database.value(f"SELECT count(*) FROM {table}") == 0  # noqa: S608  names of the test
    assert set(reasons(test_database)) <= {"unknown-user", "unknown-instance"}
    finish(applier, database, EraseUser(user_id=USER))
    assert str(USER) not in str(test_database.ask("SELECT payload, error FROM dead_letters"))


def test_an_erasure_that_nobody_began_changes_nothing(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    finish(applier, database, ContinueErasure(erasure_id=uuid4(), step=1))
    finish(applier, database, EraseUser(user_id=uuid4()))
    assert test_database.value("SELECT count(*) FROM users") == 1
    assert reasons(test_database) == []


def test_an_operator_exports_and_erases_a_user(
    test_database: TestDatabase, instance: UUID, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": test_database.worker_url}
    assert main(["users", "export", str(USER)], environment) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    by_table = {
        table: [line["row"] for line in lines if line["table"] == table] for table in {x["table"] for x in lines}
    }
    assert by_table["public.users"][0]["email"] == "ada@example.org"
    assert len(by_table["public.mcp_logs"]) == 30
    assert by_table["public.mcp_instances"][0]["id"] == str(instance)
    assert not {"access_token_hash", "password_hash", "encrypted_api_key", "key_fingerprint"} & {
        column for line in lines for column in line["row"]
    }
    assert main(["users", "erase", str(USER), "--dry-run", "--json"], environment) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["dry_run"], told["tables"]["public.mcp_logs"]) == (True, 30)
    assert main(["users", "erase", str(USER)], environment) == 0
    assert "rows of" in capsys.readouterr().out.splitlines()[-1]
    assert test_database.value("SELECT count(*) FROM users") == 0
    assert main(["users", "export", str(USER)], environment) == 1
    assert "There is no user" in capsys.readouterr().err


def test_the_diary_is_read_by_people_and_programs(
    database: Database, test_database: TestDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.transaction() as uow:
        uow.runs.record("migrate-to-shared", NOW, 7, {"dry_run": True})
        uow.runs.record("other", NOW, 1)
    environment = {"DATABASE_URL": test_database.worker_url}
    assert main(["runs", "--task", "migrate-to-shared", "--json"], environment) == 0
    (entry,) = json.loads(capsys.readouterr().out)["runs"]
    assert (entry["affected"], entry["detail"]) == (7, {"dry_run": True})
    assert main(["runs"], environment) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
