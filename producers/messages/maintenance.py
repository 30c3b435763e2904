"""The ticks that keep the database small and current."""

from typing import ClassVar

from pydantic import Field

from ..queues import Queue
from .tick import Tick


class PartitionsDue(Tick):
    """It is time to make the partitions of the months to come."""

    wire_name: ClassVar[str] = "maintenance.partitions_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class RetentionDue(Tick):
    """It is time to let go of what the retention policies no longer keep."""

    wire_name: ClassVar[str] = "maintenance.retention_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class ArchiveDue(Tick):
    """It is time to archive the partitions that left their tables and are to be kept elsewhere."""

    wire_name: ClassVar[str] = "maintenance.archive_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class DeadLettersDue(Tick):
    """It is time to write yesterday's dead letters where archives are kept."""

    wire_name: ClassVar[str] = "maintenance.dead_letters_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class PruningDue(Tick):
    """It is time to delete what the policies of tables that are not partitioned no longer keep."""

    wire_name: ClassVar[str] = "maintenance.pruning_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class AuditSealDue(Tick):
    """It is time to seal what was entered into the audit tables, so that tampering with it shows."""

    wire_name: ClassVar[str] = "maintenance.audit_seal_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class RollupsDue(Tick):
    """It is time to count by hours and days what went through the gateway and the shared services."""

    wire_name: ClassVar[str] = "maintenance.rollups_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class CacheExpiryDue(Tick):
    """It is time to empty the caches of what has expired."""

    wire_name: ClassVar[str] = "maintenance.cache_expiry_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class StatisticsDue(Tick):
    """It is time to gather statistics for the planner, of partitioned tables too."""

    wire_name: ClassVar[str] = "maintenance.statistics_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE

    after: str = Field(default="", max_length=200, description="The table that was done last, if some were.")


class AlertsDue(Tick):
    """It is time to say what is wrong with maintenance or breaks a limit, and what no longer does."""

    wire_name: ClassVar[str] = "maintenance.alerts_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE


class ViewsDue(Tick):
    """It is time to compute anew the materialized views whose interval is over."""

    wire_name: ClassVar[str] = "maintenance.views_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE

    after: str = Field(default="", max_length=255, description="The view that was computed last, if some were.")


class OutboxDue(Tick):
    """It is time to look whether the messages of the outbox are on their way."""

    wire_name: ClassVar[str] = "maintenance.outbox_due.v1"
    queue: ClassVar[Queue] = Queue.MAINTENANCE
