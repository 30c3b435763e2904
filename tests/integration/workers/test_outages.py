"""PostgreSQL and Redis go away while messages flow; every message still ends once."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import dramatiq
import pytest
import redis
from dramatiq.brokers.redis import RedisBroker

from db.settings import DatabaseSettings
from embedded.postgres import PostgresServer
from embedded.valkey import ValkeyServer
from producers import CreateInstance, InstanceFailed, Message, connect
from tests import databases
from tests.acceptance.processes import wait_until
from tests.databases import TestDatabase
from tests.integration.bus.network import FaultyNetwork
from workers.app import running
from workers.settings import WorkerSettings

USER = UUID(int=7)


def settings(database: TestDatabase, redis_url: str) -> WorkerSettings:
    return WorkerSettings(redis_url=redis_url, database=database.settings(connections=6), threads=4)


def create() -> CreateInstance:
    return CreateInstance(
        instance_id=uuid4(), user_id=USER, mcp_type="figma", access_token_hash=uuid4().hex * 2, access_token_hint="x"
    )


def failures(database: TestDatabase, count: int) -> list[Message]:
    """Make messages that each leave one event, for an instance that exists."""
    database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    instance_id = uuid4()
    database.ask(
        "INSERT INTO mcp_instances (id, user_id, mcp_type_id, access_token_hash, access_url, expires_at)"
        " SELECT %s, %s, id, repeat('0', 64), 'http://localhost:1', now() + interval '1 hour' FROM mcp_types LIMIT 1",
        instance_id,
        USER,
    )
    return [InstanceFailed(instance_id=instance_id, error=f"failure {number}") for number in range(count)]


def count(database: TestDatabase, table: str) -> int:
    return int(str(database.value(f"SELECT count(*) FROM {table}")))  # noqa: S608  a table that the test names


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path / "postgres", settings={"fsync": "off"}) as server:
        yield server


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "valkey") as server:
        yield server


def test_a_database_that_crashes_and_comes_back_has_every_effect_once(
    own_postgres: PostgresServer, redis_url: str
) -> None:
    database = databases.make_template(own_postgres.url)
    messages = failures(database, 2_000)
    with running(settings(database, redis_url)), connect(redis_url) as producer:
        producer.send_many(messages)
        wait_until(lambda: count(database, "inbox") > 200, 20)
        own_postgres.kill()
        time.sleep(1)
        own_postgres.start()
        wait_until(lambda: count(database, "inbox") == 2_000, 60)
    assert count(database, "mcp_events") == 2_000
    assert count(database, "dead_letters") == 0


def test_a_redis_that_crashes_keeps_what_was_sent_durably(
    own_valkey: ValkeyServer, test_database: TestDatabase
) -> None:
    messages = failures(test_database, 1_000)
    with running(settings(test_database, own_valkey.url)), connect(own_valkey.url) as producer:
        producer.send_many(messages, durable=True)
        wait_until(lambda: count(test_database, "inbox") > 50, 20)
        own_valkey.kill()
        time.sleep(0.5)
        own_valkey.start()
        wait_until(lambda: count(test_database, "inbox") == 1_000, 60)
    assert count(test_database, "mcp_events") == 1_000


def test_delayed_messages_survive_an_outage_of_redis(
    valkey_server: ValkeyServer, redis_url: str, test_database: TestDatabase
) -> None:
    messages = failures(test_database, 5)
    plain = plain_dramatiq(redis_url)
    with FaultyNetwork(valkey_server.port) as network, running(settings(test_database, network.url)):
        for message in messages:
            plain.enqueue(as_dramatiq(message), delay=1_500)
        wait_until(lambda: count(test_database, "redeliveries") == 5, 10)
        network.cut()
        time.sleep(2)
        network.mend()
        wait_until(lambda: count(test_database, "mcp_events") == 5, 20)
    assert count(test_database, "redeliveries") == 0


def plain_dramatiq(url: str) -> RedisBroker:
    return RedisBroker(url=url, middleware=[])  # type: ignore[no-untyped-call]  # Dramatiq does not type it


def as_dramatiq(message: Message) -> "dramatiq.Message[None]":
    return dramatiq.Message(
        queue_name=message.queue.value,
        actor_name=message.wire_name,
        args=(message.model_dump(mode="json"),),
        kwargs={},
        options={},
        message_id=str(message.message_id),
    )


def test_what_is_put_by_survives_a_redis_that_forgot_everything(redis_url: str, test_database: TestDatabase) -> None:
    (message,) = failures(test_database, 1)
    with running(settings(test_database, redis_url)):
        plain_dramatiq(redis_url).enqueue(as_dramatiq(message), delay=1_500)
        wait_until(lambda: count(test_database, "redeliveries") == 1, 10)
        redis.Redis.from_url(redis_url).flushall()
        wait_until(lambda: count(test_database, "mcp_events") == 1, 20)
    assert count(test_database, "redeliveries") == 0


def test_an_actor_that_fails_while_redis_is_away_is_tried_again(
    valkey_server: ValkeyServer, redis_url: str, test_database: TestDatabase
) -> None:
    """Plain Dramatiq sends the retry to Redis, cannot, and acknowledges: the message is lost."""
    stranger = create()
    with FaultyNetwork(valkey_server.port) as network, running(settings(test_database, network.url)):
        test_database.ask("ALTER TABLE mcp_instances RENAME TO away")
        connect(redis_url).send(stranger)
        wait_until(lambda: count(test_database, "dead_letters") + count(test_database, "redeliveries") == 1, 20)
        network.cut()
        test_database.ask("ALTER TABLE away RENAME TO mcp_instances")
        time.sleep(1)
        network.mend()
        wait_until(lambda: count(test_database, "inbox") == 1, 20)
    assert count(test_database, "redeliveries") == 0


def test_a_worker_uses_no_more_connections_than_it_was_given(redis_url: str, test_database: TestDatabase) -> None:
    messages = failures(test_database, 500)
    with running(settings(test_database, redis_url)), connect(redis_url) as producer:
        producer.send_many(messages)
        wait_until(lambda: count(test_database, "inbox") == 500, 30)
        used = test_database.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name <> ''", test_database.name
        )
    assert int(str(used)) <= 6 + 2


def test_the_settings_hide_the_passwords() -> None:
    secret = "canary-4711"
    given = WorkerSettings(
        redis_url=f"redis://:{secret}@localhost", database=DatabaseSettings(url=f"postgresql://u:{secret}@localhost/x")
    )
    assert secret not in repr(given)
