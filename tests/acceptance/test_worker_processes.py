"""Worker processes as an operator starts, stops and loses them."""

from base64 import b64encode

import psutil
import redis

from embedded.valkey import ValkeyServer
from producers import DeleteInstance, LogLine, LogsEmitted, connect
from tests.acceptance.processes import finished, started, wait_until
from tests.acceptance.traffic import READY, applied, assert_exactly_once, create, prepare
from tests.databases import TestDatabase


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
    test_database.ask(
        "INSERT INTO encryption_keys (key_id, check_value, status) VALUES ('2026-11', repeat('0', 64), 'active')"
    )
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
