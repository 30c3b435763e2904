"""Messages that are applied as a set: one statement for all, and each ends as it would have ended alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from db.engine import Database
from db.unit_of_work import UnitOfWork
from producers import CreateInstance, DeleteInstance, InstanceAccessed
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import create, delivered, make_group_applier
from workers.actor import Lock, Table, set_actor
from workers.actors import ACTORS
from workers.group import GroupApplier
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")

TRANSACTIONS = "SELECT count(DISTINCT xmin::text) FROM inbox"


@pytest.fixture
def apply(database: Database, resources: Resources) -> GroupApplier:
    return make_group_applier(database, resources, *ACTORS)


def test_facts_that_may_be_applied_as_a_set_are_one_update_and_an_inbox_row_each(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    wanted = create()
    apply(delivered(wanted))
    now = datetime.now(UTC)
    facts = [
        InstanceAccessed(instance_id=wanted.instance_id, occurred_at=now - timedelta(seconds=age))
        for age in (3, 0, 9, 7)
    ]
    apply(*map(delivered, facts))
    apply(*map(delivered, facts[2:]))
    assert test_database.value("SELECT last_accessed FROM mcp_instances") == now
    assert test_database.value("SELECT count(*) FROM inbox") == 5
    assert test_database.value(TRANSACTIONS) == 2


def test_an_unknown_instance_in_a_set_is_put_by_and_its_neighbours_are_applied(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    wanted = create()
    apply(delivered(wanted))
    known, unknown = (InstanceAccessed(instance_id=each) for each in (wanted.instance_id, uuid4()))
    apply(delivered(unknown), delivered(known))
    assert test_database.value("SELECT last_accessed FROM mcp_instances") == known.occurred_at
    assert test_database.ask("SELECT message_id FROM redeliveries") == [(unknown.message_id,)]


def test_a_bad_message_is_found_by_halving_and_not_by_trying_each_alone(
    apply: GroupApplier, test_database: TestDatabase
) -> None:
    wanted = create()
    apply(delivered(wanted))
    accesses = [delivered(InstanceAccessed(instance_id=wanted.instance_id)) for _ in range(63)]
    stranger = delivered(InstanceAccessed(instance_id=uuid4()))
    apply(*accesses[:40], stranger, *accesses[40:])
    assert test_database.value("SELECT count(*) FROM inbox") == 64
    assert test_database.ask("SELECT message_id::text FROM redeliveries") == [(stranger.message_id,)]
    assert test_database.value(TRANSACTIONS) == 1 + 6


def test_neighbours_of_one_kind_are_applied_by_one_statement_each_in_its_turn(
    database: Database, resources: Resources
) -> None:
    runs: list[list[str | None]] = []

    @set_actor(CreateInstance, locks=lambda message: Lock(Table.USERS, message.user_id))
    def note(messages: Sequence[CreateInstance], uow: UnitOfWork) -> None:
        del uow
        runs.append([message.name for message in messages])

    apply = make_group_applier(database, resources, note, *(each for each in ACTORS if each.contract is DeleteInstance))
    wanted = create()
    make_group_applier(database, resources, *ACTORS)(delivered(wanted))
    deleted = DeleteInstance(instance_id=wanted.instance_id)
    apply(*map(delivered, (create(name="a"), create(name="b"), deleted, create(name="c"))))
    assert runs == [["a", "b"], ["c"]]
