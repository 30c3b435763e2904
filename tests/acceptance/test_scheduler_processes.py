"""Scheduler processes: any number of them, each tick once."""

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from producers import InstancesExpiryDue
from tests.acceptance.processes import finished, started, wait_until
from tests.databases import TestDatabase

TICKS = "SELECT count(*) FROM inbox WHERE wire_name = 'instances.expiry_due.v1'"


@pytest.fixture
def environment(test_database: TestDatabase, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {"DATABASE_URL": test_database.worker_url, "REDIS_URL": redis_url, "TMPDIR": str(tmp_path)}


def test_two_schedulers_have_each_tick_once(test_database: TestDatabase, environment: dict[str, str]) -> None:
    begin = datetime.now(UTC)
    with (
        started("-m", "workers", **environment),
        started("-m", "scheduler", **environment) as first,
        started("-m", "scheduler", **environment) as second,
    ):
        wait_until(lambda: int(str(test_database.value(TICKS))) >= 3, 45, lambda: first.log + second.log)
        end = datetime.now(UTC)
        sent = [set(lines_of(process.log)) for process in (first, second)]
        assert first.end() == 0
        assert second.end(signal.SIGINT) == 0
    assert len(sent[0] & sent[1]) >= 2, "both schedulers send the same ticks"
    expected = {InstancesExpiryDue.at(at).message_id for at in fire_times(begin - timedelta(seconds=10), end)}
    found = {
        row[0] for row in test_database.ask("SELECT message_id FROM inbox WHERE wire_name LIKE 'instances.expiry%%'")
    }
    assert found <= expected | {
        InstancesExpiryDue.at(end.replace(second=end.second // 10 * 10, microsecond=0)).message_id
    }
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0


def lines_of(log: str) -> list[str]:
    return [
        line.partition("expire-instances of ")[2][:25] for line in log.splitlines() if "expire-instances of" in line
    ]


def fire_times(begin: datetime, end: datetime) -> list[datetime]:
    first = begin.replace(second=begin.second // 10 * 10, microsecond=0)
    return [first + timedelta(seconds=10 * step) for step in range(int((end - first).total_seconds() // 10) + 1)]


def test_a_scheduler_refuses_to_start_without_redis(tmp_path: Path) -> None:
    answer = finished("-m", "scheduler", REDIS_URL="redis://127.0.0.1:1/0", TMPDIR=str(tmp_path))
    assert answer.returncode == 1
    assert "127.0.0.1:1" in answer.stderr


def test_a_scheduler_says_that_it_lives_and_what_it_will_do(environment: dict[str, str]) -> None:
    assert finished("-m", "scheduler", "liveness", **environment).returncode == 1
    with started("-m", "scheduler", **environment) as scheduler:
        scheduler.wait_for_line("is sent")
        answer = finished("-m", "scheduler", "liveness", **environment)
        assert answer.returncode == 0, answer.stdout
    assert "create-partitions" in finished("-m", "scheduler", "list", **environment).stdout
