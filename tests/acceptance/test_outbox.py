"""Messages that a service enqueues with SQL, when Redis comes back empty and workers die."""

from uuid import UUID

import psycopg
import redis

from tests.acceptance.processes import started, wait_until
from tests.acceptance.traffic import READY, USER, applied, assert_exactly_once, prepare
from tests.databases import TestDatabase

COUNT = 10_000

ENQUEUE = """
SELECT enqueue_message('instances.failed.v1', jsonb_build_object('instance_id', %s::text, 'error', 'failure ' || n))
  FROM generate_series(1, %s) n
"""


def test_a_redis_that_forgets_everything_and_a_worker_that_dies_lose_none_of_ten_thousand(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    prepare(test_database, environment, 0)
    instance_id = UUID(str(test_database.value("SELECT id FROM mcp_instances")))
    with started("-m", "workers", "--processes", "2", "--threads", "4", **environment) as pool:
        wait_until(lambda: pool.log.count(READY) == 2, 60, lambda: pool.log)
        with psycopg.connect(test_database.producer_url()) as service:
            service.execute("SELECT set_config('app.user_id', %s, true)", [str(USER)])
            service.execute(ENQUEUE, [str(instance_id), COUNT])
        wait_until(lambda: applied(test_database) > 1_000, 30, lambda: pool.log)
        redis.Redis.from_url(environment["REDIS_URL"]).flushall()
        pool.children()[0].kill()
        assert applied(test_database) < COUNT, "the flood was over before Redis forgot it"
        wait_until(lambda: applied(test_database) == COUNT, 60, lambda: pool.log)
        wait_until(lambda: test_database.value("SELECT count(*) FROM outbox") == 0, 30, lambda: pool.log)
        assert "Redis has forgotten" in pool.log
        assert pool.end() == 0
    assert_exactly_once(test_database, COUNT)
