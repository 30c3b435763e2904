"""A message that may have killed its worker starts alone, and is given up after three deaths."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from db.engine import Database
from db.unit_of_work import UnitOfWork
from producers import CreateInstance
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import create, delivered, make_applier, reasons
from workers.actor import actor
from workers.applier import Applier, HandedBackError
from workers.delivery import Delivery
from workers.janitor import _envelope
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")


def test_a_message_whose_worker_died_each_time_is_given_up_after_three_deliveries(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    class Killed(BaseException):
        """Stands for SIGKILL: nothing after it runs."""

    starts: list[object] = []

    @actor(CreateInstance)
    def deadly(message: CreateInstance, uow: UnitOfWork) -> None:
        del uow
        starts.append(message.message_id)
        raise Killed

    applier, message = make_applier(database, resources, deadly), create()
    for earlier in range(3):
        with pytest.raises(Killed):
            applier(delivered(message, earlier=earlier))
    applier(delivered(message, earlier=3))
    assert len(starts) == 3
    assert reasons(test_database) == ["poison"]


def test_a_suspect_that_redis_forgot_is_still_one_when_it_is_relayed(
    database: Database, test_database: TestDatabase
) -> None:
    """Else it would share a transaction with its neighbours, and its next start would not be counted."""
    message = create()
    envelope = delivered(message).text
    with database.transaction() as uow:
        uow.redeliveries.begin(message.message_id, queue="instances", wire_name=message.wire_name, envelope=envelope)
    test_database.ask("UPDATE redeliveries SET due_at = now()")
    with database.transaction() as uow:
        (row,) = uow.redeliveries.due(wire_names=[], limit=1, lease_seconds=60)
    relayed = Delivery.unpack("instances", str(message.message_id), _envelope(row), 0)
    assert relayed.earlier > 0
    assert relayed.redelivered


def test_a_message_that_only_lay_beside_poison_is_not_blamed(applier: Applier, test_database: TestDatabase) -> None:
    applier(delivered(create(), earlier=9))
    assert reasons(test_database) == []
    assert test_database.value("SELECT count(*) FROM mcp_instances") == 1
    assert test_database.value("SELECT count(*) FROM redeliveries") == 0


def test_suspects_that_wait_leave_the_threads_to_healthy_messages(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    @actor(CreateInstance)
    def slow(message: CreateInstance, uow: UnitOfWork) -> None:
        del message, uow
        time.sleep(1)

    applier = make_applier(database, resources, slow)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(applier, delivered(create(), earlier=1))
        time.sleep(0.2)
        with pytest.raises(HandedBackError):
            threads.submit(applier, delivered(create(), earlier=1)).result(0.9)
        first.result()
    assert test_database.value("SELECT count(*) FROM inbox") == 1
