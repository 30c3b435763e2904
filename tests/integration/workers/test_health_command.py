"""What people see of health, and what they can ask for."""

import json
from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from db.engine import Database
from embedded.ports import free_port
from tests.databases import TestDatabase
from tests.mcp_servers import programs
from workers.__main__ import main
from workers.commands import health
from workers.commands.dead_letters import CommandError
from workers.probes.addresses import Policy
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings
from workers.rounds import Rounds


@pytest.fixture
def server(test_database: TestDatabase, database: Database) -> Iterator[str]:
    """Have one server of the gateway, and nothing else that is checked."""
    test_database.ask("UPDATE service_registry SET is_available = false")
    with programs.modern(free_port()) as running:
        test_database.ask(
            "INSERT INTO gateway.mcp_servers (id, name, endpoint_url, status) VALUES ('tickets', 't', %s, 'active')",
            running.url,
        )
        with database.transaction() as uow:
            uow.targets.enter()
        yield "tickets"


def test_a_target_that_somebody_asks_for_is_checked_and_told(
    database: Database,
    server: str,
    monkeypatch: pytest.MonkeyPatch,
    test_database: TestDatabase,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(CommandError, match="nobody checks anything now"):
        health.check(database, server, as_json=True)
    with closing(Prober(ProbeSettings(policy=Policy.parse("127.0.0.0/8")))) as prober:
        rounds = Rounds(database, prober)
        with database.transaction() as uow:
            uow.probers.beat(rounds.id, host_id=None, hostname="here", process_id=1)
        rounds.start()
        found = json.loads(health.check(database, server, as_json=True))
        rounds.stop()
    assert (found["verdict"], found["consecutive_failures"], found["uptime_30d"]) == ("up", 0, 100.0)
    assert found["next_check_why"] == "it is checked every 30 s at least"
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)
    assert main(["health", "list"]) == 0
    assert "tickets" in capsys.readouterr().out
    assert main(["health", "show", "tickets"]) == 0
    assert "next check why        it is checked every 30 s at least" in capsys.readouterr().out


def test_a_list_says_when_the_next_check_is_and_why(
    database: Database, server: str, test_database: TestDatabase
) -> None:
    test_database.ask(
        "UPDATE health_targets SET breaker = 'open', opened_at = now(), tries = 2, consecutive_failures = 4,"
        " next_check_reason = 'back_off', next_check_at = now() + interval '100.5 seconds', verdict = 'timeout'"
    )
    told = health.show_list(database, kind=None, failing=True, limit=5, as_json=False)
    assert server in told
    assert "in 100 s, for it failed 4 times in a row, and each further failure doubles the wait (try 2)" in told
    assert "start `python -m workers`" in told
    listed = json.loads(health.show_list(database, kind="service", failing=False, limit=5, as_json=True))
    assert listed == {"targets": [], "probers": []}


def test_uptime_is_told_of_a_day_a_week_and_thirty_days(
    database: Database,
    server: str,
    monkeypatch: pytest.MonkeyPatch,
    test_database: TestDatabase,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for age, checks, alive in (("1 hour", 10, 10), ("3 days", 10, 0), ("20 days", 20, 20), ("35 days", 60, 0)):
        test_database.ask("SELECT maintenance.create_partition('public', 'health_hours', now() - %s::interval)", age)
        test_database.ask(
            "INSERT INTO health_hours (target_id, hour, checks, alive, answers, total_ms)"
            " SELECT id, now() - %s::interval, %s, %s, 0, 0 FROM health_targets WHERE server_id = %s",
            *(age, checks, alive, server),
        )
    found = json.loads(health.show(database, server, as_json=True))
    assert [found[f"uptime_{span}"] for span in ("24h", "7d", "30d")] == [100.0, 50.0, 75.0]
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)
    assert main(["health", "show", server, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == found
    assert main(["health", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["targets"][0]["uptime_24h"] == 100.0


def test_an_alert_is_acknowledged_once(database: Database, server: str) -> None:
    with pytest.raises(CommandError, match="no open alert"):
        health.acknowledge(database, server)
    with database.transaction() as uow:
        target_id = uow.verdicts.named(server)
        assert target_id is not None
        uow.alerts.open([target_id])
    assert health.acknowledge(database, server) == "the alert of server tickets is acknowledged"
    with pytest.raises(CommandError, match="no open alert"):
        health.acknowledge(database, server)


def test_what_is_not_there_or_does_not_run_is_told(
    database: Database, server: str, test_database: TestDatabase
) -> None:
    with pytest.raises(CommandError, match="nothing called"):
        health.show(database, str(uuid4()), as_json=False)
    test_database.ask("UPDATE gateway.mcp_servers SET status = 'inactive'")
    with database.transaction() as uow:
        uow.targets.follow()
        uow.probers.beat(uuid4(), host_id=None, hostname="here", process_id=1)
    with pytest.raises(CommandError, match="is not checked: it does not run"):
        health.check(database, server, as_json=False)
