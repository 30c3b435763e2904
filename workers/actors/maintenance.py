"""What keeps the database small and current."""

from db.unit_of_work import UnitOfWork
from producers import CacheExpiryDue, PartitionsDue, RetentionDue, StatisticsDue

from ..tick import Done, tick_actor


@tick_actor("create-partitions", PartitionsDue)
def create_partitions(message: PartitionsDue, uow: UnitOfWork) -> Done:
    """Make the partitions of the months to come."""
    del message
    made = uow.partitions.ensure()
    return Done(len(made), {"made": made})


@tick_actor("apply-retention", RetentionDue)
def apply_retention(message: RetentionDue, uow: UnitOfWork) -> Done | None:
    """Take one step: detach a partition that no policy keeps, or drop one whose grace is over.

    One step a tick keeps each lock as short as can be; a step that a long reader is in the way of
    is left for the next tick.
    """
    del message
    step = uow.partitions.retain()
    return None if step is None else Done(1, {step.action: step.relation})


@tick_actor("expire-caches", CacheExpiryDue)
def expire_caches(message: CacheExpiryDue, uow: UnitOfWork) -> Done:
    """Delete validation results that have expired."""
    del message
    return Done(uow.cache.expire())


@tick_actor("gather-statistics", StatisticsDue)
def gather_statistics(message: StatisticsDue, uow: UnitOfWork) -> Done:
    """Gather statistics of every table that nobody is in the way of; the run says which they were."""
    del message
    analyzed = uow.partitions.analyze()
    return Done(len(analyzed), {"analyzed": analyzed})
