"""A tick has its effect once, however many schedulers send it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from apscheduler.triggers.cron import CronTrigger

from db.engine import Database
from db.unit_of_work import UnitOfWork
from producers import InstancesExpiryDue
from producers.producer import Producer
from scheduler.clock import Clock
from scheduler.timetable import Entry
from tests.acceptance.processes import wait_until
from tests.integration.workers.bus import RecordingTransport
from tests.integration.workers.deliveries import make_applier
from workers.actor import actor
from workers.delivery import Delivery
from workers.resources import Resources


def sent_by_a_scheduler(now: datetime) -> Delivery:
    """Have a scheduler of its own catch up with the one tick that was due at the last midnight."""
    transport = RecordingTransport()
    entry = Entry("once-a-day", CronTrigger(hour="0", minute="0", timezone=UTC), InstancesExpiryDue)
    clock = Clock(Producer(transport), timetable=(entry,))
    clock.start(catch_up=timedelta(days=1), now=now)
    wait_until(lambda: bool(transport.sealed), 10)
    clock.stop()
    ((queue, message_id, raw),) = transport.sealed
    return Delivery.unpack(queue, message_id, raw, 0)


def test_the_same_tick_of_two_schedulers_calls_its_actor_once(database: Database, resources: Resources) -> None:
    calls: list[UUID] = []

    @actor(InstancesExpiryDue)
    def note(message: InstancesExpiryDue, uow: UnitOfWork) -> None:
        del uow
        calls.append(message.message_id)

    noon = datetime.now(UTC).replace(hour=12) - timedelta(days=1)
    first, second = (sent_by_a_scheduler(noon + timedelta(seconds=late)) for late in (0, 3))
    assert first.raw is not second.raw
    applier = make_applier(database, resources, note)
    for delivery in (first, second):
        applier(delivery)
    assert calls == [UUID(first.message_id)]
