"""What keeps the database small and current."""

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from db import retaining
from db.repositories.rollups import TABLES
from db.unit_of_work import UnitOfWork
from producers import (
    AlertsDue,
    ArchiveDue,
    AuditSealDue,
    CacheExpiryDue,
    DeadLettersDue,
    OutboxDue,
    PartitionsDue,
    PruningDue,
    RetentionDue,
    RollupsDue,
    StatisticsDue,
    ViewsDue,
)

from ..actor import prepared_actor
from ..continuing import go_on
from ..resources import Resources
from ..tick import Done, attempted, tell, tick_actor

log: Final = logging.getLogger(__name__)

STEP: Final = 5_000
"""Rows of each kind that one transaction ends."""
SEALED: Final = 10_000
"""Rows of the audit tables that one transaction seals."""
HOURS: Final = 1
"""Hours of each table that one transaction counts, with their days: millions of rows, where there are that many."""

LONG_SECONDS: Final = 600
"""How long a statement may take that reads all of a partition, or of an hour."""

LATE: Final = timedelta(minutes=1)
"""A message of the outbox that has been due for so long is one that no worker could send."""


@dataclass(frozen=True, slots=True)
class Archiving:
    """A tick, and what wakes who archives in this process; nobody does without a place for archives."""

    message: ArchiveDue | DeadLettersDue
    wanted: threading.Event | None


@tick_actor("create-partitions", PartitionsDue)
def create_partitions(message: PartitionsDue, uow: UnitOfWork) -> Done:
    """Make the partitions of the months to come."""
    del message
    made, waiting, failed = uow.partitions.ensure()
    if failed or waiting:
        problem = "; ".join([*failed, *waiting])
        return Done(len(made), {"made": made}, outcome="failed" if failed else "waits", problem=problem)
    return Done(len(made), {"made": made})


@tick_actor("apply-retention", RetentionDue)
def apply_retention(message: RetentionDue, uow: UnitOfWork) -> Done | None:
    """Take one step: detach a partition that no policy keeps, or drop one whose grace is over.

    One step a tick keeps each lock as short as can be; a step that a long reader is in the way of
    is left for the next tick.
    """
    del message
    # To look for held rows is to read a partition from end to end, where none is.
    uow.locks.take_time(LONG_SECONDS)
    step = uow.partitions.retain()
    if step is not None:
        freed = step.total_bytes if step.action == "dropped" else 0
        return Done(1, {step.action: step.relation, "rows": step.rows}, bytes=freed)
    if busy := retaining.busy(uow, datetime.now(UTC)):
        return Done(
            outcome="waits", problem=f"{', '.join(busy)}: in use, by pg_dump for instance; the next tick tries."
        )
    return None


def with_archivist(message: ArchiveDue | DeadLettersDue, resources: Resources) -> Archiving:
    """Hand the archivist to the tick."""
    return Archiving(message, resources.archive_wanted)


@prepared_actor(ArchiveDue, with_archivist)
def archive_partitions(archiving: Archiving, uow: UnitOfWork) -> None:
    """Wake the archivist when something waits: an archive may take an hour, a message may not."""

    def wake(uow: UnitOfWork) -> Done:
        waiting = len(uow.partitions.unarchived())
        if waiting and archiving.wanted is None:
            sentence = (
                f"{waiting} partitions wait for their archive and ARCHIVE_URL is not set: set it for the workers."
            )
            return Done(outcome="failed", problem=sentence)
        if waiting and archiving.wanted is not None:
            archiving.wanted.set()
        return Done(goes_on=waiting > 0)

    tell("archive-partitions", archiving.message, uow, wake)


@prepared_actor(DeadLettersDue, with_archivist)
def export_dead_letters(archiving: Archiving, uow: UnitOfWork) -> None:
    """Wake the archivist, who writes yesterday's letters; without a place for archives nobody asked for that."""

    def wake(_: UnitOfWork) -> Done:
        if archiving.wanted is not None:
            archiving.wanted.set()
        return Done(goes_on=archiving.wanted is not None)

    tell("export-dead-letters", archiving.message, uow, wake)


@tick_actor("prune-rows", PruningDue)
def prune_rows(message: PruningDue, uow: UnitOfWork) -> Done:
    """Delete what the policies of small tables no longer keep, some thousand rows a step."""
    counts, problems = uow.retention.prune(limit=STEP)
    if max(counts.values(), default=0) >= STEP:
        go_on(message.continued(), uow)
    deleted = {table: count for table, count in counts.items() if count}
    if problems:
        return Done(sum(counts.values()), deleted, outcome="failed", problem="; ".join(problems))
    return Done(sum(counts.values()), deleted)


@tick_actor("expire-caches", CacheExpiryDue)
def expire_caches(message: CacheExpiryDue, uow: UnitOfWork) -> Done:
    """End what is over: validation results, sessions, keys and idle circuit breakers, some thousand a step."""
    counts = {**uow.expiries.expire(limit=STEP), "validations": uow.cache.expire(limit=STEP)}
    if max(counts.values()) >= STEP:
        go_on(message.continued(), uow)
    return Done(sum(counts.values()), {what: count for what, count in counts.items() if count})


@tick_actor("seal-audit", AuditSealDue)
def seal_audit(message: AuditSealDue, uow: UnitOfWork) -> Done:
    """Seal what was entered into the audit tables, some thousand rows a step."""
    sealed = uow.seals.seal(SEALED)
    if sealed >= SEALED:
        go_on(message.continued(), uow)
    return Done(sealed)


@tick_actor("roll-up", RollupsDue)
def roll_up(message: RollupsDue, uow: UnitOfWork) -> Done:
    """Count the hours anew that rows came into, and their days, some hours a step."""
    uow.locks.take_time(LONG_SECONDS)
    parts = {table: attempted(partial(_count_hours, table), uow) for table in TABLES}
    if max(done.affected for done in parts.values()) >= HOURS:
        go_on(message.continued(), uow)
    hours = {table: done.affected for table, done in parts.items() if done.affected}
    problems = [f"{table}: {done.problem}" for table, done in parts.items() if done.problem]
    if problems:
        is_failed = any(done.outcome == "failed" for done in parts.values())
        told = "; ".join(problems)
        return Done(sum(hours.values()), hours, outcome="failed" if is_failed else "waits", problem=told)
    return Done(sum(hours.values()), hours)


def _count_hours(table: str, uow: UnitOfWork) -> Done:
    return Done(uow.rollups.roll_up(table, most=HOURS))


@tick_actor("gather-statistics", StatisticsDue)
def gather_statistics(message: StatisticsDue, uow: UnitOfWork) -> Done:
    """Gather statistics of every table that nobody is in the way of, some seconds a step."""
    tables = uow.partitions.analyze(after=message.after)
    if tables:
        go_on(message.continued(after=max(tables)), uow)
    analyzed = [name for name, is_busy in tables.items() if not is_busy]
    busy = [name for name, is_busy in tables.items() if is_busy]
    return Done(len(analyzed), {"analyzed": analyzed, **({"busy": busy} if busy else {})})


@tick_actor("refresh-views", ViewsDue)
def refresh_views(message: ViewsDue, uow: UnitOfWork) -> Done | None:
    """Compute one view anew, while it is read; the next ones follow, whatever becomes of this one."""
    names = sorted(view.name for view in uow.gateway.refresh_due() if view.name > message.after)
    if not names:
        return None
    if len(names) > 1:
        go_on(message.continued(after=names[0]), uow)
    return attempted(lambda part: Done(part.gateway.refresh(names[0]), {"view": names[0]}), uow)


@tick_actor("raise-alerts", AlertsDue)
def raise_alerts(message: AlertsDue, uow: UnitOfWork) -> Done:
    """Open an alert for what is wrong with maintenance or breaks a limit, and resolve those of what no longer does."""
    del message
    turned = uow.alerts.follow_troubles()
    rules = uow.alerts.follow_metrics()
    opened = [(name, told) for name, told in turned.items() if told is not None]
    opened += [(each.name, each.told) for each in rules if each.told is not None]
    resolved = [name for name, told in turned.items() if told is None] + [each.name for each in rules if not each.told]
    silent = {each.name for each in rules if not each.is_news}
    for name, told in opened:
        if name not in silent:
            log.warning("%s: %s", name, told)
    return Done(len(opened) + len(resolved), {"opened": dict(opened), "resolved": sorted(resolved)})


@tick_actor("watch-outbox", OutboxDue)
def watch_outbox(message: OutboxDue, uow: UnitOfWork) -> Done | None:
    """Tell that messages of the outbox wait although they are due; workers send them by themselves."""
    del message
    lag = uow.outbox.lag()
    if lag <= LATE:
        return None
    late = {each.queue: round(each.late.total_seconds()) for each in uow.outbox.counts()}
    problem = (
        f"Messages of the outbox have been due for {lag.total_seconds():.0f} s: do workers run, and Redis, or do 20,000"
        " messages wait in a queue, which needs more workers?"
    )
    return Done(detail={"late_seconds": late}, outcome="failed", problem=problem)
