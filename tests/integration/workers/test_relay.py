"""The relay sends what services enqueue with SQL until the inbox has it, whatever Redis forgets."""

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
import redis
from sqlalchemy import create_engine

from db.engine import Database
from embedded.valkey import ValkeyServer
from producers import DeleteInstance, InstanceFailed, OutboxDue, connect, enqueue
from producers.broker import RedisTransport, redis_client
from producers.errors import BrokerFull
from tests.acceptance.processes import wait_until
from tests.databases import TestDatabase
from tests.integration.bus.network import FaultyNetwork
from tests.integration.workers.bus import RecordingTransport
from tests.integration.workers.deliveries import USER, create, delivered
from workers.app import running
from workers.applier import Applier
from workers.broker import HardenedBroker
from workers.relay import Relay
from workers.settings import WorkerSettings

pytestmark = pytest.mark.usefixtures("user")

NOBODY = InstanceFailed(instance_id=uuid4(), error="nobody knows it")


@pytest.fixture
def broker(redis_url: str) -> HardenedBroker:
    return HardenedBroker(redis_client(redis_url))


@pytest.fixture
def sent() -> RecordingTransport:
    return RecordingTransport()


@pytest.fixture
def relay(broker: HardenedBroker, database: Database, sent: RecordingTransport) -> Relay:
    return Relay(broker, database, sent)


def entered(database: TestDatabase, count: int = 1, name: str = "instances.failed.v1") -> set[UUID]:
    """Have a service enqueue messages in one transaction."""
    with psycopg.connect(database.producer_url()) as service:
        service.execute("SELECT set_config('app.user_id', %s, true)", [str(USER)])
        rows = service.execute(
            "SELECT enqueue_message(%s, jsonb_build_object('instance_id', %s::text, 'error', n::text))"
            " FROM generate_series(1, %s) n",
            [name, str(NOBODY.instance_id), count],
        ).fetchall()
    return {row[0] for row in rows}


def ids_of(transport: RecordingTransport) -> list[UUID]:
    return [UUID(message_id) for _, message_id, _ in transport.sealed]


def make_due(database: TestDatabase) -> None:
    database.ask("UPDATE outbox SET due_at = now()")


def test_a_committed_message_is_applied_and_leaves_the_outbox(test_database: TestDatabase, redis_url: str) -> None:
    wish = create()
    with running(WorkerSettings(redis_url=redis_url, database=test_database.settings(), threads=2)):
        with psycopg.connect(test_database.producer_url()) as service:
            service.execute("SELECT set_config('app.user_id', %s, true)", [str(USER)])
            enqueue(wish, service.execute)
        wait_until(lambda: test_database.value("SELECT count(*) FROM mcp_instances") == 1, 10)
        engine = create_engine(test_database.producer_url().replace("postgresql:", "postgresql+psycopg:"))
        with engine.begin() as other:
            other.exec_driver_sql("SELECT set_config('app.user_id', %s, true)", (str(USER),))
            enqueue(DeleteInstance(instance_id=wish.instance_id), other.exec_driver_sql)
        engine.dispose()
        wait_until(lambda: test_database.value("SELECT deleted_at IS NOT NULL FROM mcp_instances") is True, 10)
        make_due(test_database)
        wait_until(lambda: test_database.value("SELECT count(*) FROM outbox") == 0, 10)
    assert test_database.value("SELECT count(*) FROM inbox") == 2


def test_what_was_sent_is_the_message_as_it_was_entered(
    test_database: TestDatabase, relay: Relay, sent: RecordingTransport
) -> None:
    (message_id,) = entered(test_database)
    assert relay.relay() == 1
    ((queue, _, raw),) = sent.sealed
    assert (queue, json.loads(raw)["args"][0]["error"]) == ("instances", "1")
    again = InstanceFailed.received(json.loads(raw)["args"][0], message_id=json.loads(raw)["message_id"])
    assert again.message_id == message_id


def test_several_relays_beside_each_other_send_each_message_once(
    test_database: TestDatabase, broker: HardenedBroker, database: Database, sent: RecordingTransport
) -> None:
    messages = entered(test_database, 3_000)
    relays = [Relay(broker, database, sent) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        while test_database.value("SELECT count(*) FROM outbox WHERE sent_at IS NULL"):
            list(threads.map(Relay.relay, relays))
    assert sorted(ids_of(sent)) == sorted(messages)
    assert test_database.value("SELECT count(*) FROM outbox WHERE attempts = 1") == 3_000


def test_what_waits_in_redis_is_not_sent_again_and_what_redis_forgot_is(
    test_database: TestDatabase, broker: HardenedBroker, database: Database, redis_url: str
) -> None:
    entered(test_database, 3)
    with closing(RedisTransport(redis_url)) as transport:
        relay = Relay(broker, database, transport)
        for attempts, empties in ((1, False), (1, True), (2, False)):
            make_due(test_database)
            assert relay.relay() == 3
            assert test_database.ask("SELECT DISTINCT attempts FROM outbox") == [(attempts,)]
            assert broker.client.llen("dramatiq:instances") == broker.waiting("instances") == 3
            if empties:
                broker.client.flushall()


def test_the_longest_due_goes_first(test_database: TestDatabase, relay: Relay, sent: RecordingTransport) -> None:
    entered(test_database, 20)
    test_database.ask("UPDATE outbox SET due_at = now() - random() * interval '1 hour'")
    expected = [row[0] for row in test_database.ask("SELECT message_id FROM outbox ORDER BY due_at")]
    relay.relay()
    assert ids_of(sent) == expected


def test_a_queue_that_is_full_lets_the_others_pass(
    test_database: TestDatabase, broker: HardenedBroker, database: Database, sent: RecordingTransport, redis_url: str
) -> None:
    entered(test_database, 5)
    others = entered(test_database, 5, "services.deprovision.v1")
    with connect(redis_url) as producer:
        producer.send_many([create(), create()])
    Relay(broker, database, sent, most_waiting=2).relay()
    assert set(ids_of(sent)) == others


def test_rows_wait_while_redis_is_away_and_it_is_said_once(
    test_database: TestDatabase, valkey_server: ValkeyServer, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    entered(test_database, 2)
    with FaultyNetwork(valkey_server.port) as network:
        relay = Relay(HardenedBroker(redis_client(network.url)), database, RedisTransport(network.url))
        network.cut()
        with caplog.at_level(logging.WARNING, "workers.relay"):
            assert [relay.step() for _ in range(3)] == [0, 0, 0]
        assert [record.message.startswith("the outbox waits") for record in caplog.records] == [True]
        assert test_database.ask("SELECT DISTINCT attempts FROM outbox WHERE due_at <= now()") == [(0,)]
        network.mend()
        assert relay.step() == 2


def test_a_relay_that_dies_while_it_sends_leaves_its_rows_to_the_others_at_once(
    test_database: TestDatabase, broker: HardenedBroker, database: Database, relay: Relay, sent: RecordingTransport
) -> None:
    class FullTransport(RecordingTransport):
        def enqueue(self, sealed: object, *, durable: bool) -> None:
            raise BrokerFull(str((sealed is None, durable)))

    messages = entered(test_database, 2)
    assert Relay(broker, database, FullTransport()).step() == 0
    assert relay.step() == 2
    assert set(ids_of(sent)) == messages


def test_what_only_a_contract_can_see_becomes_a_dead_letter_and_its_neighbours_are_applied(
    test_database: TestDatabase, redis_url: str
) -> None:
    wish, url = create(), test_database.producer_url()
    with running(WorkerSettings(redis_url=redis_url, database=test_database.settings(), threads=2)):
        with psycopg.connect(url) as service:
            service.execute("SELECT set_config('app.user_id', %s, true)", [str(USER)])
            for payload in ("{}", '{"instance_id": "x"}', '{"colour": 1e400}'):
                service.execute("SELECT enqueue_message('instances.delete.v1', %s::jsonb)", [payload])
            old = "018cc251-f400-7000-8000-000000000000"
            service.execute("SELECT enqueue_message('instances.delete.v1', '{}', %s::uuid)", [old])
            enqueue(wish, service.execute)
        wait_until(lambda: test_database.value("SELECT count(*) FROM dead_letters") == 4, 20)
        wait_until(lambda: test_database.value("SELECT count(*) FROM mcp_instances") == 1, 20)
        make_due(test_database)
        wait_until(lambda: test_database.value("SELECT count(*) FROM outbox") == 0, 10)
    assert test_database.ask("SELECT DISTINCT reason FROM dead_letters") == [("invalid",)]


@pytest.fixture
def a_minute_late(test_database: TestDatabase, user: None) -> None:
    del user
    entered(test_database, 3)
    test_database.ask("UPDATE outbox SET due_at = now() - interval '61 seconds'")


@pytest.mark.usefixtures("a_minute_late")
def test_messages_that_nobody_sends_are_written_down_by_a_tick(test_database: TestDatabase, applier: Applier) -> None:
    applier(delivered(OutboxDue.at(datetime.now(UTC))))
    ((outcome, detail),) = test_database.ask("SELECT outcome, detail FROM maintenance.runs WHERE task = 'watch-outbox'")
    assert outcome == "failed"
    assert isinstance(detail, dict)
    assert 60 < detail["late_seconds"]["instances"] < 120


def test_an_outbox_that_moves_leaves_no_trace_in_the_diary(test_database: TestDatabase, applier: Applier) -> None:
    entered(test_database)
    applier(delivered(OutboxDue.at(datetime.now(UTC) - timedelta(minutes=1))))
    assert test_database.ask("SELECT FROM maintenance.runs WHERE task = 'watch-outbox'") == []


def test_nothing_is_asked_of_redis_while_the_outbox_is_empty(database: Database, sent: RecordingTransport) -> None:
    nowhere = HardenedBroker(redis.Redis(port=1))
    assert Relay(nowhere, database, sent).relay() == 0
