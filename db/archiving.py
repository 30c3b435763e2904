"""Dedicated instances and keys into the archive, once shared services took their place and nobody uses them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import UUID

from db.engine import Database
from db.rehearsal import rehearsable
from db.unit_of_work import UnitOfWork

Report: TypeAlias = Callable[[str], None]

USERS_AT_ONCE: Final = 200
_REASONS: Final = {
    "live": "instances are still pending or running",
    "newer_key": "instances are of a type for which the user has stored another key since",
    "logs_kept": "instances have log lines, which retention has not taken yet",
    "checks_kept": "instances have health checks, which retention has not taken yet",
    "busy": "instances are in use by another transaction",
    "key_in_use": "keys are still used by an instance",
}


@dataclass
class Archived:
    """What went to the archive, and what waits and why."""

    is_rehearsal: bool
    instances: int = 0
    keys: int = 0
    waiting: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Archived") -> None:
        """Take in what was done for some more users."""
        self.instances += other.instances
        self.keys += other.keys
        self.waiting.update(other.waiting)

    def facts(self) -> dict[str, object]:
        """Give the report for programs."""
        return {
            "dry_run": self.is_rehearsal,
            "instances": self.instances,
            "keys": self.keys,
            "waiting": {reason: self.waiting[reason] for reason in _REASONS if self.waiting[reason]},
        }

    def sentences(self) -> Iterator[str]:
        """Give the report for people."""
        for reason, sentence in _REASONS.items():
            if self.waiting[reason]:
                yield f"waiting  {self.waiting[reason]} {sentence}"
        verb = "would go" if self.is_rehearsal else "went"
        yield f"{self.instances} instances and {self.keys} keys {verb} to the archive."


def archive(
    database: Database,
    *,
    is_rehearsal: bool = False,
    report: Report = lambda _: None,
    users_at_once: int = USERS_AT_ONCE,
) -> Archived:
    """Archive what moved to shared services and is no longer in use, some users in each transaction."""
    started_at, total, after, seen = datetime.now(UTC), Archived(is_rehearsal), None, 0
    while True:
        with rehearsable(database, is_rehearsal=is_rehearsal) as uow:
            user_ids = uow.archives.users(after=after, limit=users_at_once)
            done = put_away(uow, user_ids)
        # Only now: what a transaction did is not done before it is committed.
        total.add(done)
        if not user_ids:
            break
        after, seen = user_ids[-1], seen + len(user_ids)
        report(f"{seen} users looked at, {total.instances} instances and {total.keys} keys archived")
    _note(database, total, started_at)
    return total


def put_away(uow: UnitOfWork, user_ids: Sequence[UUID]) -> Archived:
    """Archive what these users no longer need, within one transaction."""
    # Instances first: an instance that is archived no longer uses its key.
    instances = uow.archives.move_instances(uow.archives.hold_instances(user_ids))
    keys = uow.archives.move_keys(uow.archives.hold_keys(user_ids))
    waiting = Counter(uow.archives.waiting(user_ids))
    return Archived(is_rehearsal=False, instances=instances, keys=keys, waiting=waiting)


def _note(database: Database, total: Archived, started_at: datetime) -> None:
    affected = total.instances + total.keys
    if total.is_rehearsal or not affected:
        return
    with database.transaction() as uow:
        detail = {"instances": total.instances, "keys": total.keys}
        uow.runs.record("archive-dedicated", started_at, affected, detail)
