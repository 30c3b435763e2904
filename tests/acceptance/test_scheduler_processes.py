"""Scheduler processes: any number of them, each tick once."""

import json
import signal
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis

from producers import InstancesExpiryDue
from tests.acceptance.processes import finished, started, wait_until
from tests.databases import TestDatabase

USER = UUID(int=7)
TICKS = "SELECT count(*) FROM inbox WHERE wire_name = 'instances.expiry_due.v1'"


@pytest.fixture
def environment(test_database: TestDatabase, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {"DATABASE_URL": test_database.worker_url, "REDIS_URL": redis_url, "TMPDIR": str(tmp_path)}


COUNTING = """
import sys
from datetime import UTC, datetime
import workers.__main__
from db.repositories.instances import Instances
from db.repositories.runs import Runs

expire_due = Instances.expire_due

def count_and_expire(self):
    Runs(self._driver).record("effect", started_at=datetime.now(UTC), affected=1)
    return expire_due(self)

Instances.expire_due = count_and_expire
sys.exit(workers.__main__.main([]))
"""
"""A worker whose actor of the tick adds a row each time it is called, so that nothing but the inbox makes it one."""


def test_two_schedulers_have_each_tick_once(
    test_database: TestDatabase, environment: dict[str, str], redis_url: str
) -> None:
    enter_instances(test_database, seconds=(1, 8, 16))
    with (
        started("-c", COUNTING, **environment) as worker,
        started("-m", "scheduler", **environment) as first,
        started("-m", "scheduler", **environment) as second,
    ):
        wait_until(lambda: int(str(test_database.value(TICKS))) >= 3, 60, lambda: first.log + second.log)
        wait_until(lambda: expired(test_database) == [1, 1, 1], 30, lambda: worker.log)
        assert first.end() == 0
        assert second.end(signal.SIGINT) == 0
        queue = redis.Redis.from_url(redis_url)
        wait_until(lambda: queue.hlen("dramatiq:instances.msgs") == 0, 30, lambda: worker.log)
        sent = [set(lines_of(process)) for process in (first.log, second.log)]
    assert len(sent[0] & sent[1]) >= 2, "both schedulers send the same ticks"
    ticks = {datetime.fromisoformat(fire_time) for fire_time in sent[0] | sent[1]}
    assert test_database.value("SELECT count(*) FROM maintenance.runs WHERE task = 'effect'") == len(ticks)
    found = {row[0] for row in test_database.ask("SELECT message_id FROM inbox WHERE wire_name LIKE 'instances.exp%%'")}
    assert found == {InstancesExpiryDue.at(tick).message_id for tick in ticks}
    assert expired(test_database) == [1, 1, 1]
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0


def enter_instances(database: TestDatabase, *, seconds: Sequence[int]) -> None:
    """Enter instances whose time is over so many seconds from now."""
    database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    for each in seconds:
        database.ask(
            "INSERT INTO mcp_instances (id, user_id, mcp_type_id, access_token_hash, access_url, expires_at, status)"
            " SELECT %s, %s, id, %s, 'http://localhost:1', now() + %s, 'pending' FROM mcp_types LIMIT 1",
            uuid4(),
            USER,
            uuid4().hex * 2,
            timedelta(seconds=each),
        )


def expired(database: TestDatabase) -> list[object]:
    """Give how many events of its end each instance has that has one."""
    counts = "SELECT count(*) FROM mcp_events WHERE event_type = 'expired' GROUP BY mcp_instance_id"
    return [count for (count,) in database.ask(counts)]


def lines_of(log: str) -> list[str]:
    return [
        line.partition("expire-instances of ")[2][:25] for line in log.splitlines() if "expire-instances of" in line
    ]


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


def test_what_came_of_the_ticks_is_told_and_a_worker_knows_whether_all_is_well(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    test_database.ask("INSERT INTO maintenance.runs (task, started_at, affected) VALUES ('expire-caches', now(), 7)")
    answer = finished("-m", "scheduler", "history", "--task", "expire-caches", "--json", **environment)
    assert [run["affected"] for run in json.loads(answer.stdout)["runs"]] == [7]
    with started("-m", "workers", "--threads", "1", **environment) as worker:
        worker.wait_for_line("working with")
        assert finished("-m", "workers", "liveness", **environment).returncode == 0
        asked = finished("-m", "workers", "liveness", "--maintenance", **environment)
    assert asked.returncode == 1
    assert asked.stderr == "scheduler (silent): No tick has come yet: run `python -m scheduler`.\n"


def test_a_tick_can_be_sent_beside_its_times(environment: dict[str, str], redis_url: str) -> None:
    off = {**environment, "TIMETABLE": 'gather-statistics = "off"'}
    assert "gather-statistics" not in finished("-m", "scheduler", "list", **off).stdout
    answer = finished("-m", "scheduler", "run", "gather-statistics", **off)
    assert answer.returncode == 0, answer.stderr
    assert redis.Redis.from_url(redis_url).hlen("dramatiq:maintenance.msgs") == 1
