"""Each delivery ends exactly once: applied, or as a dead letter that says why."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.errors import OutOfSpace
from db.settings import DatabaseSettings
from db.unit_of_work import UnitOfWork
from producers import CreateInstance, DeleteInstance, LogLine, LogsEmitted
from producers import message_id as ids
from producers.broker import redis_client
from producers.envelope import seal
from tests.databases import TestDatabase
from tests.integration.workers.bus import RecordingTransport
from tests.integration.workers.deliveries import changed, create, delivered, due, make_applier, reasons
from workers.actor import actor, prepared_actor
from workers.actors import ACTORS
from workers.applier import BACK_OFF, Applier, HandedBackError
from workers.broker import HardenedBroker
from workers.commands import dead_letters
from workers.delivery import Delivery
from workers.janitor import Janitor
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")


def test_a_message_is_applied_once_however_often_it_is_delivered(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    """The actor adds a row each time it is called, so nothing but the inbox makes the effect one."""

    @actor(CreateInstance)
    def add(message: CreateInstance, uow: UnitOfWork) -> None:
        uow.runs.record("effect", started_at=message.occurred_at, affected=1)

    applier, delivery = make_applier(database, resources, add), delivered(create())
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(applier, [delivery] * 16))
    assert test_database.value("SELECT count(*) FROM maintenance.runs WHERE task = 'effect'") == 1
    assert test_database.value("SELECT count(*) FROM inbox") == 1
    assert reasons(test_database) == []


def test_the_effect_and_the_inbox_row_are_one_transaction(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    calls: list[UUID] = []

    @actor(CreateInstance)
    def half(message: CreateInstance, uow: UnitOfWork) -> None:
        uow.runs.record("half", started_at=message.occurred_at, affected=1, detail={})
        calls.append(message.message_id)
        if len(calls) == 1:
            error = "died in the middle"
            raise RuntimeError(error)

    applier, message = make_applier(database, resources, half), create()
    applier(delivered(message))
    assert test_database.value("SELECT count(*) FROM maintenance.runs WHERE task = 'half'") == 0
    assert test_database.value("SELECT count(*) FROM inbox") == 0
    applier(delivered(message, attempts=1))
    assert test_database.value("SELECT count(*) FROM maintenance.runs WHERE task = 'half'") == 1
    assert test_database.value("SELECT count(*) FROM redeliveries") == 0


def test_an_unknown_wire_name_is_parked_and_applied_by_a_worker_that_knows_it(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    message = create()
    make_applier(database, resources)(delivered(message))
    assert test_database.ask("SELECT state, wire_name FROM redeliveries") == [("parked", "instances.create.v1")]
    (redelivery,) = due(database, [message.wire_name])
    make_applier(database, resources, *ACTORS)(redelivery)
    assert test_database.value("SELECT count(*) FROM mcp_instances") == 1
    assert test_database.value("SELECT count(*) FROM redeliveries") == 0


def test_a_delayed_message_waits_in_the_database(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    eta = int((time.time() + 1) * 1000)
    applier(delivered(create(), eta=eta))
    assert test_database.value("SELECT count(*) FROM mcp_instances") == 0
    assert due(database, []) == []
    time.sleep(1.1)
    (redelivery,) = due(database, [])
    applier(redelivery)
    assert test_database.value("SELECT count(*) FROM mcp_instances") == 1


def test_a_message_that_always_fails_is_tried_with_back_off_and_then_given_up(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    @actor(CreateInstance)
    def broken(message: CreateInstance, uow: UnitOfWork) -> None:
        del message, uow
        error = "password=hunter2 did not work"
        raise RuntimeError(error)

    applier, message = make_applier(database, resources, broken), create()
    for attempts, seconds in enumerate(BACK_OFF):
        applier(delivered(message, **({"attempts": attempts} if attempts else {})))
        ((waits, state),) = test_database.ask(
            "SELECT extract(epoch FROM due_at - now())::float, state FROM redeliveries"
        )
        assert state == "retry"
        assert seconds - 1 <= float(str(waits)) <= seconds * 1.5
    applier(delivered(message, attempts=len(BACK_OFF)))
    assert reasons(test_database) == ["exhausted"]
    assert test_database.value("SELECT count(*) FROM redeliveries") == 0
    assert test_database.value("SELECT count(*) FROM dead_letters WHERE traceback LIKE '%%RuntimeError%%'") == 1
    assert test_database.value("SELECT count(*) FROM dead_letters WHERE traceback LIKE '%%hunter2%%'") == 0


def test_a_dead_letter_is_replayed_under_its_own_id(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    stranger = uuid4()
    message = create(user_id=stranger)
    applier(delivered(message))
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'late@example.org', 'Late')", stranger)
    letter_id = UUID(str(test_database.value("SELECT id FROM dead_letters")))
    dead_letters.replay(database, letter_id)
    (redelivery,) = due(database, [])
    assert redelivery.message_id == str(message.message_id)
    applier(redelivery)
    assert test_database.value("SELECT id FROM mcp_instances") == message.instance_id
    assert "No dead letters" in dead_letters.show_list(database, limit=10, reason=None, as_json=False)


def test_a_secret_in_a_payload_does_not_reach_the_dead_letters(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    canary = "canary-4711-do-not-print"
    applier(changed(create(), api_key=canary))
    applier(changed(create(), config={"password": canary}, user_id=7))
    applier(Delivery.unpack("instances", str(ids.new()), f'{{"token": "{canary}"'.encode(), 0))
    assert len(reasons(test_database)) == 3
    assert test_database.value("SELECT count(*) FROM dead_letters d WHERE d::text LIKE %s", f"%{canary}%") == 0
    letter_id = UUID(str(test_database.value("SELECT id FROM dead_letters LIMIT 1")))
    with pytest.raises(dead_letters.CommandError, match="secret was taken out"):
        dead_letters.replay(database, letter_id)


def test_a_process_that_stops_hands_back_what_the_absent_database_cannot_take(
    resources: Resources,
) -> None:
    nowhere = Database(DatabaseSettings(url="postgresql://nobody@127.0.0.1:1/none"))
    stopping = threading.Event()
    applier = Applier(nowhere, resources, {each.contract.wire_name: each for each in ACTORS}, stopping=stopping)
    threading.Timer(0.5, stopping.set).start()
    with pytest.raises(HandedBackError):
        applier(delivered(create()))


def test_lines_of_a_batch_are_stored_once_and_unknown_instances_are_put_aside(
    applier: Applier, test_database: TestDatabase
) -> None:
    wanted = create()
    applier(delivered(wanted))
    now = datetime.now(UTC)
    lines = [
        LogLine(instance_id=wanted.instance_id, timestamp=now, message="hello"),
        LogLine(instance_id=uuid4(), timestamp=now, message="from nowhere"),
        LogLine(instance_id=wanted.instance_id, timestamp=now.replace(year=1999), message="a\x00b", level="warn"),
    ]
    delivery = delivered(LogsEmitted(lines=lines))
    applier(delivery)
    applier(delivery)
    assert test_database.ask("SELECT message FROM mcp_logs ORDER BY message") == [("a\ufffdb",), ("hello",)]
    assert test_database.value("SELECT count(*) FROM log_quarantine") == 1


def test_janitors_of_many_workers_send_a_due_message_once(
    database: Database, test_database: TestDatabase, redis_url: str
) -> None:
    message = create()
    with database.transaction() as uow:
        uow.redeliveries.postpone(
            message.message_id,
            queue="instances",
            wire_name=message.wire_name,
            envelope=seal(message).decode(),
            state="retry",
            attempts=2,
            due_at=datetime.now(UTC) - timedelta(seconds=1),
            error=None,
        )
    transport, broker = RecordingTransport(), HardenedBroker(redis_client(redis_url))
    janitors = [Janitor(broker, database, transport, []) for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(lambda janitor: janitor.relay(), janitors)) == 1
    ((queue, message_id, raw),) = transport.sealed
    assert (queue, message_id) == ("instances", str(message.message_id))
    assert Delivery.unpack(queue, message_id, raw, 0).attempts == 2
    assert test_database.value("SELECT count(*) FROM redeliveries") == 1


def test_all_that_is_due_is_sent_again_at_once_however_much_it_is(
    database: Database, test_database: TestDatabase, redis_url: str
) -> None:
    test_database.ask(
        "INSERT INTO redeliveries (message_id, queue, wire_name, envelope, state, due_at)"
        " SELECT gen_random_uuid(), 'instances', 'x', %s, 'retry', now() FROM generate_series(1, 1200)",
        seal(create()).decode(),
    )
    transport, broker = RecordingTransport(), HardenedBroker(redis_client(redis_url))
    broker.declare_queue("instances")
    Janitor(broker, database, transport, []).step()
    assert len({message_id for _, message_id, _ in transport.sealed}) == 1_200


def test_a_wire_name_that_cannot_be_stored_is_parked_mended(applier: Applier, test_database: TestDatabase) -> None:
    envelope = json.loads(delivered(create()).raw) | {"actor_name": "a\x00b\ud800" + "c" * 500}
    applier(Delivery.unpack("instances", "x", json.dumps(envelope).encode(), 0))
    ((wire_name,),) = test_database.ask("SELECT wire_name FROM redeliveries")
    assert wire_name == ("a\ufffdb\ufffd" + "c" * 500)[:100]


def test_a_fact_that_overtakes_the_creation_of_its_instance_is_applied_after_it(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    wanted = create()
    applier(delivered(DeleteInstance(instance_id=wanted.instance_id)))
    assert test_database.ask("SELECT state, attempts FROM redeliveries") == [("retry", 1)]
    applier(delivered(wanted))
    test_database.ask("UPDATE redeliveries SET due_at = now()")
    (redelivery,) = due(database, [])
    applier(redelivery)
    assert test_database.value("SELECT count(*) FROM mcp_instances WHERE deleted_at IS NOT NULL") == 1
    assert reasons(test_database) == []
    assert test_database.value("SELECT count(*) FROM redeliveries") == 0


def test_a_message_is_prepared_once_however_long_the_database_is_away(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    prepared: list[UUID] = []
    tries: list[int] = []

    def prepare(message: CreateInstance, resources: Resources) -> CreateInstance:
        del resources
        prepared.append(message.message_id)
        return message

    @prepared_actor(CreateInstance, prepare)
    def unlucky(message: CreateInstance, uow: UnitOfWork) -> None:
        del message, uow
        tries.append(1)
        if len(tries) < 3:
            raise OutOfSpace("no room")

    make_applier(database, resources, unlucky)(delivered(create(), earlier=1))
    assert (len(prepared), len(tries)) == (1, 3)
    assert reasons(test_database) == []


def test_a_count_of_attempts_that_nobody_could_store_harms_nobody(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(create(user_id=uuid4()), attempts=3_000_000_000))
    assert reasons(test_database) == ["unknown-user"]
