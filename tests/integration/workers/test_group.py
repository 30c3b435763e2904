"""Small messages share a transaction, and nothing else: each ends as it would have ended alone."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid4

import psycopg
import pytest

from db.engine import Database
from db.settings import DatabaseSettings
from db.unit_of_work import UnitOfWork
from producers import CreateInstance, DeleteInstance, InstanceFailed, InstanceStarted, Message
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import (
    USER,
    changed,
    create,
    delivered,
    make_applier,
    make_group_applier,
    reasons,
)
from workers.actor import AnyActor, Lock, Table, actor
from workers.actors import ACTORS
from workers.applier import HandedBackError
from workers.group import GroupApplier
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")

TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM inbox"


@pytest.fixture
def apply(database: Database, resources: Resources) -> GroupApplier:
    return make_group_applier(database, resources, *ACTORS)


def started(instance_id: UUID) -> InstanceStarted:
    return InstanceStarted(instance_id=instance_id, host_id="local", process_id=7, process_started_at=datetime.now(UTC))


def statuses(database: TestDatabase) -> list[object]:
    return [status for (status,) in database.ask("SELECT status FROM mcp_instances ORDER BY status")]


@contextmanager
def held(database: TestDatabase, query: str, *values: object) -> Iterator[None]:
    """Hold rows in a transaction of somebody else."""
    with psycopg.connect(database.admin_url) as other:
        other.execute(query.encode(), values)
        yield
        other.rollback()


def test_what_came_together_is_one_transaction(apply: GroupApplier, test_database: TestDatabase) -> None:
    apply(*(delivered(create()) for _ in range(5)))
    assert test_database.value("SELECT count(*) FROM mcp_instances") == 5
    assert test_database.value("SELECT count(*) FROM inbox WHERE outcome = 'applied'") == 5
    assert test_database.value(TRANSACTIONS) == 1


def test_a_message_that_is_twice_in_a_group_and_was_applied_before_counts_once(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    wanted = create()
    apply(delivered(wanted))
    old, new = (delivered(InstanceFailed(instance_id=wanted.instance_id, error="x")) for _ in range(2))
    apply(old)
    apply(old, new, new, old)
    assert test_database.value("SELECT count(*) FROM mcp_events WHERE event_type <> 'created'") == 2
    assert test_database.value(TRANSACTIONS) == 3


def test_a_bad_message_has_its_own_end_and_its_neighbours_are_applied(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    wanted = create()
    stranger = delivered(create(user_id=uuid4()))
    invalid = changed(create(), mcp_type=7)
    early = delivered(started(uuid4()))
    apply(delivered(wanted), stranger, invalid, early, delivered(started(wanted.instance_id)), delivered(create()))
    assert sorted(map(str, reasons(test_database))) == ["invalid", "unknown-user"]
    assert test_database.ask("SELECT state, attempts FROM redeliveries") == [("retry", 1)]
    assert statuses(test_database) == ["pending", "running"]
    assert test_database.value("SELECT count(*) FROM inbox WHERE outcome = 'applied'") == 3


def test_nothing_of_a_group_that_fails_stays_but_what_its_members_do_alone(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    @actor(CreateInstance, locks=lambda message: Lock(Table.USERS, message.user_id))
    def note(message: CreateInstance, uow: UnitOfWork) -> None:
        uow.runs.record("effect", started_at=message.occurred_at, affected=1)
        if message.name == "bad":
            error = "no"
            raise RuntimeError(error)

    apply = make_group_applier(database, resources, note)
    apply(*(delivered(create(name=name)) for name in ("a", "bad", "c", "d")))
    assert test_database.value("SELECT count(*) FROM maintenance.runs WHERE task = 'effect'") == 3
    assert test_database.value("SELECT count(*) FROM inbox") == 3
    assert test_database.value("SELECT count(*) FROM redeliveries") == 1


def test_messages_are_applied_in_the_order_in_which_they_came(apply: GroupApplier, test_database: TestDatabase) -> None:
    """A user at the limit who gives up an instance for a new one gets it, as often as that happens."""
    instances = [create() for _ in range(10)]
    apply(*map(delivered, instances))
    messages: list[Message] = []
    for old in instances:
        messages += [DeleteInstance(instance_id=old.instance_id), create()]
    apply(*map(delivered, messages))
    assert statuses(test_database) == ["disconnected"] * 10 + ["pending"] * 10
    assert test_database.value(TRANSACTIONS) == 2


def test_what_happened_to_an_instance_of_the_same_group_finds_it(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    wanted = [create(instance_id=UUID(int=number)) for number in (3, 2**127 + 5)]
    messages = [message for each in wanted for message in (each, started(each.instance_id))]
    apply(*map(delivered, messages))
    assert statuses(test_database) == ["running", "running"]
    assert test_database.value(TRANSACTIONS) == 1
    events = test_database.ask(
        "SELECT event_type FROM mcp_events WHERE mcp_instance_id = %s ORDER BY created_at", wanted[0].instance_id
    )
    assert [event for (event,) in events] == ["created", "started"]


@pytest.mark.parametrize(
    "each", [each for each in ACTORS if each.shares == "small"], ids=lambda each: each.contract.wire_name
)
def test_every_actor_that_shares_names_the_row_that_it_locks(each: AnyActor) -> None:
    ids = {"instance_id": uuid4(), "user_id": uuid4()}
    assert each.locks is not None
    lock = each.locks(each.contract.model_construct(**ids))
    expected = (Table.USERS, "user_id") if each.contract is CreateInstance else (Table.INSTANCES, "instance_id")
    assert lock == (expected[0], ids[expected[1]])


@pytest.mark.parametrize("table", ["inbox", "mcp_instances"])
def test_rows_are_locked_in_one_order(database: Database, test_database: TestDatabase, table: str) -> None:
    """While a group waits for the second of three rows it has the first and not yet the third."""
    first, second, third = (UUID(f"01a1f000-0000-7000-8000-00000000000{number}") for number in (1, 2, 3))
    shuffled = [third, first, second]
    if table == "mcp_instances":
        make = "INSERT INTO mcp_instances (id, user_id, mcp_type_id, access_token_hash, access_url, expires_at)"
        for number, each in enumerate(shuffled):
            values = " SELECT %s, %s, id, repeat(%s, 64), 'x', now() FROM mcp_types LIMIT 1"
            test_database.ask(make + values, each, USER, str(number))
        query, free = (
            "SELECT FROM mcp_instances WHERE id = %s FOR UPDATE",
            "SELECT id FROM mcp_instances WHERE id = %s FOR UPDATE NOWAIT",
        )
    else:
        query = "INSERT INTO inbox (message_id, wire_name) VALUES (%s, 'x')"
        free = "INSERT INTO inbox (message_id, wire_name) VALUES (%s, 'x') RETURNING message_id"

    def group() -> None:
        with database.transaction() as uow:
            if table == "inbox":
                uow.inbox.claim_all(dict.fromkeys(shuffled, "x"))
            else:
                uow.locks.instances(shuffled)

    with ThreadPoolExecutor(1) as threads:
        with held(test_database, query, second):
            waiting = threads.submit(group)
            _until(lambda: bool(test_database.value("SELECT count(*) FROM pg_locks WHERE NOT granted")))
            with psycopg.connect(test_database.admin_url, options="-c lock_timeout=1s") as other:
                assert other.execute(free.encode(), [third]).fetchone() == (third,)
                other.rollback()
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute(free.encode(), [first])
        waiting.result(20)


def _until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_row_that_somebody_else_holds_keeps_only_its_own_message_waiting(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    instances = [create() for _ in range(4)]
    apply(*map(delivered, instances))
    failures = [delivered(InstanceFailed(instance_id=each.instance_id, error="x")) for each in instances]
    with ThreadPoolExecutor(1) as threads:
        query = "SELECT FROM mcp_instances WHERE id = %s FOR UPDATE"
        with held(test_database, query, instances[0].instance_id):
            applied = threads.submit(apply, *failures)
            _until(lambda: statuses(test_database) == ["error"] * 3 + ["pending"])
        applied.result(30)
    assert statuses(test_database) == ["error"] * 4
    assert reasons(test_database) == []


def test_a_stopping_process_hands_back_only_what_is_not_settled(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    stopping = threading.Event()

    @actor(CreateInstance, locks=lambda message: Lock(Table.USERS, message.user_id))
    def stop(message: CreateInstance, uow: UnitOfWork) -> None:
        uow.runs.record("effect", started_at=message.occurred_at, affected=1)
        if message.name == "bad":
            stopping.set()
            error = "no"
            raise RuntimeError(error)

    by_name: dict[str, AnyActor] = {stop.contract.wire_name: stop}
    apply = GroupApplier(database, make_applier(database, resources, stop), by_name, stopping=stopping)
    deliveries = [delivered(create(name=name)) for name in ("a", "bad", "bad", "d")]
    with pytest.raises(HandedBackError) as handed_back:
        apply(*deliveries)
    assert list(handed_back.value.deliveries) == [deliveries[2]]
    assert test_database.value("SELECT count(*) FROM inbox") == 2
    assert test_database.ask("SELECT message_id::text FROM redeliveries") == [(deliveries[1].message_id,)]


def test_a_group_waits_for_a_database_that_is_away_and_is_handed_back_whole(resources: Resources) -> None:
    nowhere = Database(DatabaseSettings(url="postgresql://nobody@127.0.0.1:1/none"))
    apply = make_group_applier(nowhere, resources, *ACTORS)
    apply._alone._stopping.set()
    deliveries = [delivered(create()) for _ in range(3)]
    with pytest.raises(HandedBackError) as handed_back:
        apply(*deliveries)
    assert list(handed_back.value.deliveries) == deliveries


def test_groups_about_the_same_instances_meet_and_each_message_counts_once(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    wanted = [create() for _ in range(6)]
    apply(*map(delivered, wanted))
    assert statuses(test_database) == ["pending"] * 6
    failures = [InstanceFailed(instance_id=each.instance_id, error="x") for each in wanted for _ in range(10)]
    groups = [Random(number).sample(failures, 30) for number in range(12)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda group: apply(*map(delivered, group)), groups))
    sent = {message.message_id for group in groups for message in group}
    assert test_database.value("SELECT count(*) FROM inbox WHERE wire_name = 'instances.failed.v1'") == len(sent)
    assert test_database.value("SELECT count(*) FROM mcp_events WHERE event_type <> 'created'") == len(sent)
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0


@pytest.mark.parametrize("trouble", [{"earlier": 1}, {"attempts": 1}])
def test_a_message_that_had_trouble_before_shares_nothing(
    apply: GroupApplier, test_database: TestDatabase, trouble: dict[str, int]
) -> None:
    earlier = trouble.get("earlier", 0)
    options = {name: value for name, value in trouble.items() if name != "earlier"}
    apply(delivered(create(), earlier=earlier, **options), delivered(create()), delivered(create()))
    assert test_database.value(TRANSACTIONS) == 2
    assert test_database.value("SELECT count(*) FROM inbox") == 3
