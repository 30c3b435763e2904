"""The outbox: what a service may enqueue with SQL, in its own transaction and as its own login."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from db.engine import Database
from db.errors import DataRefused
from producers import CONTRACTS, ContinueErasure, DeleteInstance, Message, MessageTooLarge, Tick, enqueue
from producers import message_id as ids
from producers.envelope import MAX_BYTES, seal_unread
from tests.databases import TestDatabase

from .given import Given

Connection = psycopg.Connection[tuple[Any, ...]]

NAME = "instances.delete.v1"


@pytest.fixture
def user_id(given: Given) -> UUID:
    return given.a_user()


@pytest.fixture
def service(shared: TestDatabase, user_id: UUID) -> Iterator[Connection]:
    """Connect as a service that works for a user."""
    with psycopg.connect(shared.producer_url()) as connection:
        connection.execute("SELECT set_config('app.user_id', %s, false)", [str(user_id)])
        connection.commit()
        yield connection


def call(service: Connection, name: object = NAME, payload: object = None, *more: object) -> UUID:
    written = json.dumps({"instance_id": str(uuid4())} if payload is None else payload)
    places = ", ".join(["%s", "%s::jsonb", "%s::uuid", "%s::timestamptz"][: 2 + len(more)])
    (row,) = service.execute(f"SELECT public.enqueue_message({places})", [name, written, *more]).fetchall()
    return UUID(str(row[0]))


def test_a_message_is_entered_with_the_transaction_of_the_service_and_not_without(
    shared: TestDatabase, service: Connection, user_id: UUID
) -> None:
    undone = call(service)
    service.rollback()
    done = call(service, NAME, {"instance_id": "x"})
    service.commit()
    assert shared.ask("SELECT FROM outbox WHERE message_id = %s", undone) == []
    assert shared.ask("SELECT queue, wire_name, payload, user_id FROM outbox WHERE message_id = %s", done) == [
        ("instances", NAME, {"instance_id": "x"}, user_id)
    ]


def test_the_id_that_the_database_makes_is_one_that_the_inbox_takes(service: Connection) -> None:
    made = [call(service) for _ in range(50)]
    assert len(set(made)) == 50
    assert all(ids.is_message_id(message_id) for message_id in made)
    assert all(abs(ids.moment(message_id) - datetime.now(UTC)) < timedelta(seconds=10) for message_id in made)


def test_the_database_knows_every_contract_its_queue_and_who_sends_it(shared: TestDatabase) -> None:
    """A new contract needs a migration that enters it."""
    known = {(name, contract.queue.value, _sender(contract)) for name, contract in CONTRACTS.items()}
    assert set(shared.ask("SELECT wire_name, queue, sender FROM message_contracts")) == known


def _sender(contract: type[Message]) -> str:
    if issubclass(contract, Tick):
        return "scheduler"
    return "worker" if contract is ContinueErasure else "service"


def test_no_contract_has_a_field_of_a_name_that_is_refused_as_a_secret() -> None:
    fields = {name for contract in CONTRACTS.values() for name in contract.model_fields}
    assert not fields & {"api_key", "access_token", "token", "password", "secret"}


def test_what_the_database_takes_fits_into_an_envelope() -> None:
    for name, contract in CONTRACTS.items():
        raw = seal_unread("{" + " " * 1_047_550 + "}", message_id=ids.new(), queue=contract.queue, wire_name=name)
        assert len(raw) <= MAX_BYTES


OLD_ID = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")


@pytest.mark.parametrize(
    ("arguments", "state", "sentence"),
    [
        (("instances.delete.v9", {}), "42704", "there is no message 'instances.delete.v9': take a wire name"),
        ((None, {}), "42704", "there is no message NULL"),
        (("maintenance.retention_due.v1", {}), "42501", "only a scheduler sends"),
        (("users.continue_erasure.v1", {}), "42501", "only a worker sends"),
        ((NAME, []), "22023", "is a JSON object: wrap"),
        ((NAME, {"message_id": str(uuid4())}), "22023", "pass it as the argument message_id"),
        (("keys.store.v1", {"api_key": "figd_canary"}), "22023", "no secret travels as it is: seal a key"),
        (("logs.emitted.v1", {"lines": "x" * MAX_BYTES}), "54000", "the limit is 1047552: send smaller batches"),
        ((NAME, {}, OLD_ID), "22023", "is a UUID of version 7: leave it out"),
        ((NAME, {}, uuid4()), "22023", "is a UUID of version 7"),
        ((NAME, {}, None, datetime.now(UTC) + timedelta(days=8)), "22023", "for 7 days at most: enter it later"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_remedy(
    service: Connection, arguments: tuple[object, ...], state: str, sentence: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        call(service, *arguments)
    assert refused.value.sqlstate == state
    assert sentence in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_message_of_nobody_is_refused(shared: TestDatabase) -> None:
    with psycopg.connect(shared.producer_url()) as nobody, pytest.raises(psycopg.errors.CheckViolation) as refused:
        call(nobody)
    assert "set app.user_id or app.tenant_id" in str(refused.value)
    assert refused.value.diag.constraint_name == "check_outbox_sender"


def test_a_message_of_an_unknown_user_is_refused(shared: TestDatabase) -> None:
    with psycopg.connect(shared.producer_url()) as stranger:
        stranger.execute("SELECT set_config('app.user_id', %s, true)", [str(uuid4())])
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            call(stranger)


def test_the_same_message_twice_is_one(shared: TestDatabase, service: Connection) -> None:
    message_id, payload = ids.new(), {"instance_id": str(uuid4()), "reason": "twice"}
    for _ in range(2):
        assert call(service, NAME, payload, message_id) == message_id
        service.commit()
    assert shared.value("SELECT count(*) FROM outbox WHERE message_id = %s", message_id) == 1


def test_the_same_message_from_many_at_once_is_one(shared: TestDatabase, user_id: UUID) -> None:
    message_id, payload = ids.new(), {"instance_id": str(uuid4())}
    url = shared.producer_url()

    def enqueue_it(_: int) -> UUID:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id)])
            return call(connection, NAME, payload, message_id)

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(enqueue_it, range(16))) == {message_id}
    assert shared.value("SELECT count(*) FROM outbox WHERE message_id = %s", message_id) == 1


@pytest.mark.parametrize("other", [(NAME, {"reason": "another"}), ("instances.restore.v1", {"reason": "one"})])
def test_another_message_under_the_same_id_is_told(service: Connection, other: tuple[str, dict[str, str]]) -> None:
    message_id = call(service, NAME, {"reason": "one"})
    with pytest.raises(psycopg.errors.UniqueViolation, match="give each message an id of its own"):
        call(service, *other, message_id)


def test_an_id_that_is_somebody_elses_is_told_without_saying_whose(
    shared: TestDatabase, service: Connection, given: Given
) -> None:
    payload = {"instance_id": str(uuid4())}
    message_id = call(service, NAME, payload)
    service.commit()
    with psycopg.connect(shared.producer_url()) as another:
        another.execute("SELECT set_config('app.user_id', %s, true)", [str(given.a_user())])
        with pytest.raises(psycopg.errors.UniqueViolation) as refused:
            call(another, NAME, payload, message_id)
    assert str(payload["instance_id"]) not in str(refused.value)


def test_the_function_is_the_only_way_in_and_workers_have_none(service: Connection, db: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        service.execute(
            "INSERT INTO outbox (message_id, queue, wire_name, payload) VALUES (%s, 'a', 'b', '{}')", [ids.new()]
        )
    with pytest.raises(DataRefused, match="permission denied"), db.transaction() as uow:
        uow._driver.execute(b"SELECT enqueue_message('instances.delete.v1', '{}')")


def test_a_python_service_enqueues_a_message_that_its_contract_has_checked(
    shared: TestDatabase, service: Connection
) -> None:
    message = DeleteInstance(instance_id=uuid4(), reason="The order was cancelled.")
    later = datetime.now(UTC) + timedelta(hours=1)
    assert enqueue(message, service.execute, due_at=later) == message.message_id
    service.commit()
    ((payload, due_at),) = shared.ask("SELECT payload, due_at FROM outbox WHERE message_id = %s", message.message_id)
    assert DeleteInstance.received(payload, message_id=str(message.message_id)) == message
    assert due_at == later


def test_a_message_too_large_never_reaches_the_database() -> None:
    too_large = DeleteInstance(instance_id=uuid4()).model_copy(update={"reason": "x" * MAX_BYTES})
    with pytest.raises(MessageTooLarge):
        enqueue(too_large, pytest.fail)


def test_what_is_due_is_taken_once_and_settled_when_the_inbox_or_a_dead_letter_has_it(
    shared: TestDatabase, service: Connection, db: Database
) -> None:
    new, applied, dead, later = (call(service) for _ in range(4))
    service.commit()
    shared.ask("DELETE FROM outbox WHERE message_id <> ALL (%s)", [new, applied, dead, later])
    shared.ask("UPDATE outbox SET due_at = now() + interval '1 hour' WHERE message_id = %s", later)
    shared.ask(
        "INSERT INTO dead_letters (message_id, queue, wire_name, reason, error, payload, host)"
        " VALUES (%s, 'instances', %s, 'expired-id', 'e', '{}', 'here')",
        str(dead),
        NAME,
    )
    with db.transaction() as uow, db.transaction() as other:
        uow.inbox.claim(applied, NAME)
        assert uow.outbox.queues() == ["instances"]
        taken = uow.outbox.take("instances", limit=10)
        assert {row.message_id: row.state for row in taken} == {new: "new", applied: "settled", dead: "settled"}
        assert other.outbox.take("instances", limit=10) == []
        uow.outbox.put_off({new: True})
    assert {row[0] for row in shared.ask("SELECT message_id FROM outbox")} == {new, later}
    with db.transaction() as uow:
        assert uow.outbox.queues() == []
        assert uow.outbox.lag() == timedelta()


def test_what_is_sent_again_is_looked_at_less_and_less_often(
    shared: TestDatabase, service: Connection, db: Database
) -> None:
    message_id = call(service)
    service.commit()
    waits = []
    for _ in range(8):
        with db.transaction() as uow:
            uow.outbox.put_off({message_id: True})
        ((wait, _),) = shared.ask(
            "SELECT extract(epoch FROM due_at - sent_at)::int, attempts FROM outbox WHERE message_id = %s", message_id
        )
        waits.append(wait)
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]
