"""What keeps the database small and current."""

from db.unit_of_work import UnitOfWork
from producers import CacheExpiryDue, PartitionsDue, RetentionDue

from ..actor import actor


@actor(PartitionsDue)
def create_partitions(message: PartitionsDue, uow: UnitOfWork) -> None:
    """Make the partitions of the months to come."""
    made = uow.partitions.ensure()
    uow.runs.record("create-partitions", started_at=message.fire_time, affected=len(made), detail={"made": made})


@actor(RetentionDue)
def apply_retention(message: RetentionDue, uow: UnitOfWork) -> None:
    """Detach the partitions that no policy keeps, and drop those whose grace is over."""
    gone = uow.partitions.retain()
    uow.runs.record("apply-retention", started_at=message.fire_time, affected=len(gone), detail={"gone": gone})


@actor(CacheExpiryDue)
def expire_caches(message: CacheExpiryDue, uow: UnitOfWork) -> None:
    """Delete validation results that have expired."""
    affected = uow.cache.expire()
    uow.runs.record("expire-caches", started_at=message.fire_time, affected=affected, detail={})
