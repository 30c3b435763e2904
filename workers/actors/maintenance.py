"""What keeps the database small and current."""

from typing import Final

from db.errors import Conflict
from db.unit_of_work import UnitOfWork
from producers import CacheExpiryDue, PartitionsDue, RetentionDue, StatisticsDue

from ..actor import actor

RETENTION: Final = "apply-retention"


@actor(PartitionsDue)
def create_partitions(message: PartitionsDue, uow: UnitOfWork) -> None:
    """Make the partitions of the months to come."""
    made = uow.partitions.ensure()
    if made:
        uow.runs.record("create-partitions", started_at=message.fire_time, affected=len(made), detail={"made": made})


@actor(RetentionDue)
def apply_retention(message: RetentionDue, uow: UnitOfWork) -> None:
    """Take one step: detach a partition that no policy keeps, or drop one whose grace is over.

    One step a tick keeps each lock as short as can be; a step that a long reader is in the way of
    is left for the next tick.
    """
    try:
        with uow.savepoint():
            step = uow.partitions.retain()
    except Conflict as conflict:
        uow.runs.record(RETENTION, started_at=message.fire_time, affected=0, detail={"waits": str(conflict)})
        return
    if step is not None:
        uow.runs.record(RETENTION, started_at=message.fire_time, affected=1, detail={step.action: step.relation})


@actor(CacheExpiryDue)
def expire_caches(message: CacheExpiryDue, uow: UnitOfWork) -> None:
    """Delete validation results that have expired."""
    affected = uow.cache.expire()
    if affected:
        uow.runs.record("expire-caches", started_at=message.fire_time, affected=affected)


@actor(StatisticsDue)
def gather_statistics(message: StatisticsDue, uow: UnitOfWork) -> None:
    """Gather statistics of every table that nobody is in the way of; the run says which they were."""
    analyzed = uow.partitions.analyze()
    detail = {"analyzed": analyzed}
    uow.runs.record("gather-statistics", started_at=message.fire_time, affected=len(analyzed), detail=detail)
