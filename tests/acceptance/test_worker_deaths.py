"""Workers that are killed, by operators, by outages and by messages."""

import re
import signal
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import cast
from uuid import UUID

import redis

from embedded.valkey import ValkeyServer
from producers import InstanceFailed, connect
from tests.acceptance.processes import RunningProcess, started, wait_until
from tests.acceptance.traffic import READY, applied, assert_exactly_once, failures, prepare
from tests.databases import TestDatabase
from tests.integration.bus.network import FaultyNetwork


def test_messages_of_a_killed_worker_run_again_within_ten_seconds_and_count_once(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    with started("-m", "workers", "--processes", "2", "--threads", "4", **environment) as pool:
        wait_until(lambda: pool.log.count(READY) == 2, 60, lambda: pool.log)
        prepare(test_database, environment, 3_000)
        wait_until(lambda: applied(test_database) > 200, 60, lambda: pool.log)
        victim = pool.children()[0]
        victim.kill()
        killed_at = time.monotonic()
        victim.wait(5)
        in_hand = held(environment["REDIS_URL"])
        wait_until(lambda: "fell silent" in pool.log, 10, lambda: pool.log)
        lost = in_hand[re.findall(r"worker (\S+) fell silent", pool.log)[0]]
        assert lost, "the killed worker had messages in hand"
        remaining = 10 - (time.monotonic() - killed_at)
        wait_until(lambda: lost <= settled(test_database), remaining, lambda: pool.log)
        wait_until(lambda: applied(test_database) == 3_000, 60, lambda: pool.log)
        wait_until(lambda: len(pool.children()) == 2, 10, lambda: pool.log)
        assert pool.end() == 0
    assert_exactly_once(test_database, 3_000)


def held(redis_url: str) -> dict[str, set[UUID]]:
    """Give the ids of the messages that each worker has in hand."""
    client, prefix = redis.Redis.from_url(redis_url), "dramatiq:__acks__."
    found: dict[str, set[UUID]] = defaultdict(set)
    for key in client.scan_iter(f"{prefix}*"):
        worker_id = key.decode().removeprefix(prefix).partition(".")[0]
        found[worker_id] |= {UUID(message_id.decode()) for message_id in cast("set[bytes]", client.smembers(key))}
    return found


def settled(database: TestDatabase) -> set[object]:
    return {message_id for (message_id,) in database.ask("SELECT message_id FROM inbox")}


POISONED = """
import os, signal, sys
import workers.__main__
from db.repositories.instances import Instances

fail = Instances.fail

def fail_or_die(self, instance_id, *, error, at):
    if error == "poison":
        with open(os.environ["STARTS"], "a") as starts:
            starts.write("start\\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return fail(self, instance_id, error=error, at=at)

Instances.fail = fail_or_die
sys.exit(workers.__main__.main(["--threads", "4"]))
"""


def test_a_message_that_kills_its_worker_each_time_is_given_up_after_three_starts_and_its_neighbours_are_applied(
    test_database: TestDatabase, environment: dict[str, str], tmp_path: Path
) -> None:
    starts = tmp_path / "starts"
    environment["STARTS"] = str(starts)
    prepare(test_database, environment, 50)
    instance_id = UUID(str(test_database.value("SELECT id FROM mcp_instances")))
    poison = InstanceFailed(instance_id=instance_id, error="poison")
    connect(environment["REDIS_URL"]).send_many([poison, *failures(50, instance_id)])
    for number in (1, 2, 3):
        with started("-c", POISONED, **environment) as worker:
            assert worker.process.wait(60) == -signal.SIGKILL, worker.log
        assert starts.read_text().count("start") == number
    with started("-c", POISONED, **environment) as worker:
        wait_until(lambda: test_database.value("SELECT count(*) FROM dead_letters") == 1, 60, lambda: worker.log)
        wait_until(lambda: applied(test_database) == 101, 60, lambda: worker.log)
        assert worker.end() == 0
    assert starts.read_text().count("start") == 3
    assert test_database.ask("SELECT message_id, reason FROM dead_letters") == [(str(poison.message_id), "poison")]
    assert test_database.value("SELECT count(*) FROM inbox WHERE outcome = 'applied'") == 100
    assert test_database.value("SELECT count(*) FROM mcp_events WHERE event_type <> 'created'") == 100


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
