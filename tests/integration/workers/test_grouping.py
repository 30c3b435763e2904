"""Small messages share a transaction, and nothing else: each ends as it would have ended alone."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.unit_of_work import UnitOfWork
from producers import CreateInstance, DeleteInstance, InstanceFailed, InstanceStarted, Message
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import changed, create, delivered, make_applier, reasons
from workers.actor import Lock, Table, actor
from workers.applier import Applier
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")

TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM inbox"


def started(instance_id: UUID) -> InstanceStarted:
    return InstanceStarted(instance_id=instance_id, host_id="local", process_id=7, process_started_at=datetime.now(UTC))


def statuses(database: TestDatabase) -> list[object]:
    return [status for (status,) in database.ask("SELECT status FROM mcp_instances ORDER BY status")]


def test_what_came_together_is_one_transaction(applier: Applier, test_database: TestDatabase) -> None:
    applier(*(delivered(create()) for _ in range(5)))
    assert test_database.value("SELECT count(*) FROM mcp_instances") == 5
    assert test_database.value("SELECT count(*) FROM inbox WHERE outcome = 'applied'") == 5
    assert test_database.value(TRANSACTIONS) == 1


def test_a_message_that_is_twice_in_a_group_and_was_applied_before_counts_once(
    applier: Applier, test_database: TestDatabase
) -> None:
    wanted = create()
    applier(delivered(wanted))
    old, new = (delivered(InstanceFailed(instance_id=wanted.instance_id, error="x")) for _ in range(2))
    applier(old)
    applier(old, new, new, old)
    assert test_database.value("SELECT count(*) FROM mcp_events WHERE event_type <> 'created'") == 2
    assert test_database.value(TRANSACTIONS) == 3


def test_a_bad_message_has_its_own_end_and_its_neighbours_are_applied(
    applier: Applier, test_database: TestDatabase
) -> None:
    wanted = create()
    stranger = delivered(create(user_id=uuid4()), attempts=2)
    invalid = changed(create(), mcp_type=7)
    early = delivered(started(uuid4()))
    applier(delivered(wanted), stranger, invalid, early, delivered(started(wanted.instance_id)), delivered(create()))
    assert sorted(map(str, reasons(test_database))) == ["invalid", "unknown_user"]
    assert test_database.ask("SELECT state, attempts FROM redeliveries") == [("retry", 1)]
    assert statuses(test_database) == ["pending", "running"]
    assert test_database.value("SELECT count(*) FROM inbox WHERE outcome = 'applied'") == 3


def test_nothing_of_a_group_that_fails_stays_but_what_its_members_do_alone(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    @actor(CreateInstance, locks=lambda message: Lock(Table.USERS, message.instance_id))
    def note(message: CreateInstance, uow: UnitOfWork) -> None:
        uow.runs.record("effect", started_at=message.occurred_at, affected=1)
        if message.name == "bad":
            error = "no"
            raise RuntimeError(error)

    make_applier(database, resources, note)(*(delivered(create(name=name)) for name in ("a", "bad", "c", "d")))
    assert test_database.value("SELECT count(*) FROM maintenance.runs WHERE task = 'effect'") == 3
    assert test_database.value("SELECT count(*) FROM inbox") == 3
    assert test_database.value("SELECT count(*) FROM redeliveries") == 1


def test_facts_about_an_instance_that_came_with_it_find_it(applier: Applier, test_database: TestDatabase) -> None:
    """Whatever the ids are: first the wish for an instance, then what became of it."""
    wanted = [create(instance_id=UUID(int=number)) for number in (3, 2**127 + 5)]
    facts = [delivered(started(each.instance_id)) for each in wanted]
    applier(*facts, *(delivered(each) for each in wanted))
    assert statuses(test_database) == ["running", "running"]
    assert test_database.value(TRANSACTIONS) == 1


def test_every_group_locks_rows_in_the_same_order(database: Database, resources: Resources) -> None:
    """Groups in another order would wait for each other in a circle until PostgreSQL breaks it."""
    order: list[Lock] = []

    def user(message: CreateInstance) -> Lock:
        return Lock(Table.USERS, message.instance_id)

    def instance(message: DeleteInstance) -> Lock:
        return Lock(Table.INSTANCES, message.instance_id)

    @actor(CreateInstance, locks=user)
    def note_create(message: CreateInstance, uow: UnitOfWork) -> None:
        del uow
        order.append(user(message))

    @actor(DeleteInstance, locks=instance)
    def note_delete(message: DeleteInstance, uow: UnitOfWork) -> None:
        del uow
        order.append(instance(message))

    messages: list[Message] = [*(create() for _ in range(5)), *(DeleteInstance(instance_id=uuid4()) for _ in range(5))]
    Random(3).shuffle(messages)
    make_applier(database, resources, note_create, note_delete)(*map(delivered, messages))
    assert order == sorted(order)
    assert len(order) == 10


def test_groups_about_the_same_instances_meet_and_each_message_counts_once(
    applier: Applier, test_database: TestDatabase
) -> None:
    wanted = [create() for _ in range(6)]
    applier(*map(delivered, wanted))
    assert statuses(test_database) == ["pending"] * 6
    failures = [InstanceFailed(instance_id=each.instance_id, error="x") for each in wanted for _ in range(10)]
    groups = [Random(number).sample(failures, 30) for number in range(12)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda group: applier(*map(delivered, group)), groups))
    sent = {message.message_id for group in groups for message in group}
    assert test_database.value("SELECT count(*) FROM inbox WHERE wire_name = 'instances.failed.v1'") == len(sent)
    assert test_database.value("SELECT count(*) FROM mcp_events WHERE event_type <> 'created'") == len(sent)
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0


def test_a_message_that_may_have_killed_its_worker_shares_nothing(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(create(), earlier=1), delivered(create()), delivered(create()))
    assert test_database.value(TRANSACTIONS) == 2
    assert test_database.value("SELECT count(*) FROM inbox") == 3
