"""What is due when.  All times are UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.triggers.cron import CronTrigger

from producers import (
    AlertsDue,
    ArchiveDue,
    AuditSealDue,
    CacheExpiryDue,
    DeadLettersDue,
    HealthChecksDue,
    InstancesExpiryDue,
    KeyRotationDue,
    OutboxDue,
    PartitionsDue,
    PortsReconcileDue,
    PruningDue,
    RetentionDue,
    RollupsDue,
    StatisticsDue,
    Tick,
    ViewsDue,
)


@dataclass(frozen=True)
class Entry:
    """One line of the timetable: a name, the times, and the message that says that it is time."""

    name: str
    trigger: CronTrigger
    contract: type[Tick]

    def fire_times(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Give the fire times later than ``after`` and not later than ``until``, oldest first."""
        fire_time = self.trigger.get_next_fire_time(None, after + timedelta(microseconds=1))
        while fire_time is not None and fire_time <= until:
            yield fire_time
            fire_time = self.trigger.get_next_fire_time(fire_time, fire_time + timedelta(microseconds=1))

    def tick(self, fire_time: datetime) -> Tick:
        """Make the message of a fire time, which also tells when the next is due."""
        following = self.trigger.get_next_fire_time(None, fire_time + timedelta(microseconds=1))
        return self.contract.at(fire_time, next_fire_time=following)

    def last_fire_time(self, until: datetime, within: timedelta) -> datetime | None:
        """Give the latest fire time up to ``until``, looking back no further than ``within``."""
        # Widening steps: a tick of every ten seconds is found at once, a monthly one within few steps.
        for step in (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), within):
            found = list(self.fire_times(until - min(step, within), until))
            if found:
                return found[-1]
        return None


def _cron(**fields: str) -> CronTrigger:
    return CronTrigger(timezone=UTC, **fields)


TIMETABLE: Final = (
    # A user's time is over to the second; ten seconds late is soon enough, and the query is cheap.
    Entry("expire-instances", _cron(second="*/10"), InstancesExpiryDue),
    # Ports are freed with their instances; this finds the few that were not, and those that were set aside.
    Entry("reconcile-ports", _cron(minute="*/5"), PortsReconcileDue),
    # Workers check what is due by themselves; this only tells them what has begun and what has ended.
    Entry("follow-health-targets", _cron(second="*/10"), HealthChecksDue),
    # What is over is worth less than the room that it takes.
    Entry("expire-caches", _cron(minute="*/5"), CacheExpiryDue),
    # 2,500 secrets a tick: what an operator's command left behind is soon under the active master key too.
    Entry("rotate-keys", _cron(minute="*"), KeyRotationDue),
    # Workers send what is in the outbox by themselves, within a second; this tells when they do not.
    Entry("watch-outbox", _cron(minute="*"), OutboxDue),
    # Months of partitions are always ready, so a missed night harms nothing; hourly finds a gap early.
    Entry("create-partitions", _cron(minute="10"), PartitionsDue),
    # One partition a tick, so no lock is held for long; whoever stands in its way is met again soon.
    Entry("apply-retention", _cron(minute="*/10"), RetentionDue),
    # A day's letters are written when it is over, long before what was settled of them is pruned.
    Entry("export-dead-letters", _cron(hour="0", minute="30"), DeadLettersDue),
    # What left its table the day before is written elsewhere while few read; it keeps for days if a night is missed.
    Entry("archive-partitions", _cron(hour="2", minute="20"), ArchiveDue),
    # Old rows of small tables, some thousand at a time; an hour more or less is nothing to them.
    Entry("prune-rows", _cron(minute="25"), PruningDue),
    # Autovacuum never analyzes a partitioned table itself; the night has the fewest to stand in the way.
    Entry("gather-statistics", _cron(hour="3", minute="40"), StatisticsDue),
    # Each view has an interval of its own; this only asks which are over.
    Entry("refresh-views", _cron(minute="*/5"), ViewsDue),
    # Until a row is sealed, removing it together with its entry would not show: a minute is soon enough.
    Entry("seal-audit", _cron(minute="*"), AuditSealDue),
    # An hour that rows still come into is counted anew each time; until then its rows are read.
    Entry("roll-up", _cron(minute="*/5"), RollupsDue),
    # A tick that is five minutes late is a trouble, so looking each minute tells of it in time.
    Entry("raise-alerts", _cron(minute="*"), AlertsDue),
)
