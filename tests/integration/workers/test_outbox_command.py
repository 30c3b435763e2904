"""What people see of the outbox."""

import json
from uuid import UUID, uuid4

import psycopg
import pytest

from db.engine import Database
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import USER
from workers.__main__ import main
from workers.commands import outbox
from workers.commands.dead_letters import CommandError


@pytest.fixture
def message_id(test_database: TestDatabase, user: None) -> UUID:
    del user
    with psycopg.connect(test_database.producer_url()) as service:
        service.execute("SELECT set_config('app.user_id', %s, true)", [str(USER)])
        payload = json.dumps({"instance_id": str(uuid4()), "config": {"password": "canary-4711"}})
        rows = service.execute("SELECT enqueue_message('instances.create.v1', %s::jsonb)", [payload]).fetchall()
    return UUID(str(rows[0][0]))


def test_an_empty_outbox_is_told(database: Database) -> None:
    assert outbox.show_lag(database, as_json=False) == outbox.show_list(database, limit=5, as_json=False)
    assert json.loads(outbox.show_lag(database, as_json=True)) == []


def test_what_waits_is_told_for_people_and_for_programs(
    database: Database, message_id: UUID, test_database: TestDatabase
) -> None:
    test_database.ask("UPDATE outbox SET due_at = now() - interval '90 seconds'")
    assert "90 s" in outbox.show_lag(database, as_json=False)
    (lag,) = json.loads(outbox.show_lag(database, as_json=True))
    assert (lag["queue"], lag["unsent"], lag["sent"], lag["most_attempts"]) == ("instances", 1, 0, 0)
    assert 90 <= lag["late"] < 120
    assert str(message_id) in outbox.show_list(database, limit=5, as_json=False)
    assert "not yet" in outbox.show_list(database, limit=5, as_json=False)
    (listed,) = json.loads(outbox.show_list(database, limit=5, as_json=True))
    assert (listed["message_id"], listed["user_id"], listed["attempts"]) == (str(message_id), str(USER), 0)


def test_one_is_told_without_its_secrets(
    message_id: UUID, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)
    assert main(["outbox", "show", str(message_id), "--json"]) == 0
    shown = capsys.readouterr().out
    assert json.loads(shown)["payload"]["config"] == {"password": "[redacted]"}
    assert main(["outbox", "show", str(message_id)]) == 0
    assert "canary" not in shown + capsys.readouterr().out
    assert main(["outbox", "list"]) == main(["outbox", "lag"]) == 0


def test_a_message_that_is_not_there_is_told(database: Database) -> None:
    with pytest.raises(CommandError, match="it was settled, or never entered"):
        outbox.show(database, uuid4(), as_json=False)
