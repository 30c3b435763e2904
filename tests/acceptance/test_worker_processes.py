"""Worker processes as an operator starts, stops and loses them."""

import signal
import time
from base64 import b64encode
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import psutil
import pytest
import redis

from embedded.valkey import ValkeyServer
from producers import CreateInstance, DeleteInstance, InstanceFailed, LogLine, LogsEmitted, Message, connect
from tests.acceptance.processes import RunningProcess, finished, started, wait_until
from tests.databases import TestDatabase
from tests.integration.bus.network import FaultyNetwork

USER = UUID(int=7)
READY = "working with"


@pytest.fixture
def environment(test_database: TestDatabase, redis_url: str, tmp_path: Path) -> dict[str, str]:
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    return {"DATABASE_URL": test_database.worker_url, "REDIS_URL": redis_url, "TMPDIR": str(tmp_path)}


def create() -> CreateInstance:
    return CreateInstance(
        instance_id=uuid4(), user_id=USER, mcp_type="figma", access_token_hash=uuid4().hex * 2, access_token_hint="x"
    )


def failures(count: int, instance_id: UUID) -> list[Message]:
    return [InstanceFailed(instance_id=instance_id, error=f"failure {number}") for number in range(count)]


def applied(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(*) FROM inbox WHERE wire_name = 'instances.failed.v1'")))


def assert_exactly_once(database: TestDatabase, count: int) -> None:
    """Each message has one inbox row, and one event, whatever happened on the way."""
    assert applied(database) == count
    events = "SELECT count(*) FROM mcp_events WHERE event_type <> 'created'"
    assert database.value(events) == count
    assert database.value("SELECT count(*) FROM dead_letters") == 0


def prepare(database: TestDatabase, environment: dict[str, str], count: int) -> None:
    """Put messages on the queue for an instance that exists."""
    wanted = create()
    database.ask(
        "INSERT INTO mcp_instances (id, user_id, mcp_type_id, access_token_hash, access_url, expires_at)"
        " SELECT %s, %s, id, %s, 'http://localhost:1', now() + interval '1 hour' FROM mcp_types LIMIT 1",
        wanted.instance_id,
        USER,
        wanted.access_token_hash,
    )
    connect(environment["REDIS_URL"]).send_many(failures(count, wanted.instance_id))


def test_a_worker_drains_on_sigterm_and_leaves_the_rest_to_others(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    prepare(test_database, environment, 3_000)
    with started("-m", "workers", "--threads", "4", **environment) as worker:
        wait_until(lambda: applied(test_database) > 100, 60, lambda: worker.log)
        assert worker.end() == 0
    first = applied(test_database)
    assert 100 < first < 3_000
    assert redis.Redis.from_url(environment["REDIS_URL"]).hlen("dramatiq:instances.msgs") == 3_000 - first
    with started("-m", "workers", **environment):
        wait_until(lambda: applied(test_database) == 3_000, 90)
    assert_exactly_once(test_database, 3_000)


def test_messages_of_a_killed_worker_run_again_within_ten_seconds_and_count_once(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    prepare(test_database, environment, 3_000)
    with started("-m", "workers", "--processes", "2", "--threads", "4", **environment) as pool:
        wait_until(lambda: applied(test_database) > 200, 60, lambda: pool.log)
        pool.children()[0].kill()
        wait_until(lambda: "fell silent" in pool.log, 10, lambda: pool.log)
        wait_until(lambda: applied(test_database) == 3_000, 60, lambda: pool.log)
        wait_until(lambda: len(pool.children()) == 2, 10, lambda: pool.log)
        assert pool.end() == 0
    assert_exactly_once(test_database, 3_000)


def test_children_end_when_their_master_is_killed(environment: dict[str, str]) -> None:
    with started("-m", "workers", "--processes", "2", "--threads", "2", **environment) as pool:
        wait_until(lambda: pool.log.count(READY) == 2, 30, lambda: pool.log)
        children = pool.children()
        pool.process.kill()
        gone, alive = psutil.wait_procs(children, timeout=15)
        assert (len(gone), alive) == (2, [])


def test_a_process_with_a_dead_thread_ends(environment: dict[str, str]) -> None:
    script = (
        "import sys, workers.__main__ as m, workers.heartbeat as h\n"
        "def step(self): raise SystemExit\n"
        "h.Heartbeat.step = step\n"
        "sys.exit(m.main([]))"
    )
    with started("-c", script, **environment) as worker:
        assert worker.process.wait(30) == 70
        assert "heartbeat" in worker.log


def test_a_worker_says_that_it_lives(environment: dict[str, str]) -> None:
    assert finished("-m", "workers", "liveness", **environment).returncode == 1
    with started("-m", "workers", **environment) as worker:
        worker.wait_for_line(READY)
        answer = finished("-m", "workers", "liveness", **environment)
        assert answer.returncode == 0, answer.stdout
        assert str(worker.pid) in answer.stdout


def refusal(**environment: str) -> str:
    answer = finished("-m", "workers", **environment)
    assert answer.returncode == 1, answer
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_worker_refuses_to_start_without_its_surroundings(
    environment: dict[str, str], test_database: TestDatabase
) -> None:
    assert "DATABASE_URL" in refusal(**{**environment, "DATABASE_URL": ""})
    assert "superuser" in refusal(**{**environment, "DATABASE_URL": test_database.admin_url})
    assert "127.0.0.1:1" in refusal(**{**environment, "REDIS_URL": "redis://127.0.0.1:1/0"})
    assert "127.0.0.1" in refusal(**{**environment, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"})
    test_database.ask("INSERT INTO encryption_keys (key_id, check_value) VALUES ('2026-11', repeat('0', 64))")
    assert "2026-11" in refusal(**environment)
    assert "is not the one" in refusal(**environment, MASTER_KEYS=f"2026-11:{b64encode(bytes(32)).decode()}")
    test_database.ask("UPDATE alembic_version SET version_num = '0001'")
    assert "python -m db upgrade" in refusal(**environment)


def test_a_worker_refuses_a_redis_that_may_drop_messages(
    environment: dict[str, str], valkey_server: ValkeyServer
) -> None:
    client = redis.Redis(port=valkey_server.port)
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert "noeviction" in refusal(**environment)
    finally:
        client.config_set("maxmemory-policy", "noeviction")


def test_a_pool_whose_workers_refuse_to_start_ends(environment: dict[str, str], test_database: TestDatabase) -> None:
    test_database.ask("UPDATE alembic_version SET version_num = '0001'")
    answer = finished("-m", "workers", "--processes", "2", **environment)
    assert answer.returncode == 1
    assert len(answer.stderr.strip().splitlines()) == 1


def test_a_pool_outlives_an_outage_of_redis_in_which_one_of_its_workers_dies(
    test_database: TestDatabase, environment: dict[str, str], valkey_server: ValkeyServer
) -> None:
    with (
        FaultyNetwork(valkey_server.port) as network,
        started("-m", "workers", "--processes", "2", **{**environment, "REDIS_URL": network.url}) as pool,
    ):
        wait_until(lambda: pool.log.count(READY) == 2, 60, lambda: pool.log)
        network.cut()
        kill_one(pool)
        wait_until(lambda: "ended with 75" in pool.log, 30, lambda: pool.log)
        network.mend()
        wait_until(lambda: pool.log.count(READY) == 3 and len(pool.children()) == 2, 60, lambda: pool.log)
        prepare(test_database, environment, 100)
        wait_until(lambda: applied(test_database) == 100, 60, lambda: pool.log)
        assert pool.end() == 0
    assert_exactly_once(test_database, 100)


def test_a_pool_that_has_worked_goes_on_when_a_replacement_refuses_to_start(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    head = test_database.value("SELECT version_num FROM alembic_version")
    with started("-m", "workers", "--processes", "2", **environment) as pool:
        wait_until(lambda: pool.log.count(READY) == 2, 60, lambda: pool.log)
        # The master looks five times a second for who is up.
        time.sleep(1)
        test_database.ask("UPDATE alembic_version SET version_num = '0001'")
        kill_one(pool)
        wait_until(lambda: "ended with 78" in pool.log, 30, lambda: pool.log)
        test_database.ask("UPDATE alembic_version SET version_num = %s", head)
        wait_until(lambda: pool.log.count(READY) == 3 and len(pool.children()) == 2, 60, lambda: pool.log)
        assert pool.end() == 0


def test_nothing_is_lost_while_workers_are_killed_again_and_again(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    count = 4_000
    prepare(test_database, environment, count)
    with started("-m", "workers", "--processes", "2", "--threads", "4", **environment) as pool:
        for _ in range(4):
            enough = min(applied(test_database) + 100, count)
            wait_until(partial(enough_applied, test_database, enough), 30)
            kill_one(pool)
        wait_until(lambda: applied(test_database) == count, 60, lambda: pool.log)
    assert_exactly_once(test_database, count)


def enough_applied(database: TestDatabase, count: int) -> bool:
    return applied(database) >= count


def kill_one(pool: RunningProcess) -> None:
    children = pool.children()
    if children:
        children[-1].send_signal(signal.SIGKILL)


def test_lines_and_orders_of_one_service_arrive_through_all_layers(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    wanted = create()
    with started("-m", "workers", **environment), connect(environment["REDIS_URL"]) as producer:
        producer.send(wanted)
        wait_until(lambda: test_database.value("SELECT count(*) FROM mcp_instances") == 1, 60)
        producer.send(
            LogsEmitted(lines=[LogLine(instance_id=wanted.instance_id, timestamp=wanted.occurred_at, message="x")])
        )
        producer.send(DeleteInstance(instance_id=wanted.instance_id))
        wait_until(lambda: test_database.value("SELECT count(*) FROM inbox") == 3, 60)
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 1
    assert test_database.value("SELECT count(*) FROM port_allocations WHERE NOT is_available") == 0
