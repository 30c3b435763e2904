"""Policies are changed only to what can be kept, and a plan says what is to go and why something is not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from db.errors import DatabaseError
from db.repositories.holds import Hold
from db.repositories.retention import Planned, Policy
from db.unit_of_work import UnitOfWork

LATEST_DAYS: Final = 30
"""A message may come so many days late, and what it stores is of its own time."""

INBOX: Final = "public.inbox"
_INBOX_DAYS: Final = LATEST_DAYS + 1
_COUNTED: Final = frozenset(
    {
        "gateway.metric_rollups",
        "gateway.request_rollups",
        "gateway.request_users",
        "public.rollup_hours",
        "public.service_usage_rollups",
    }
)
_MOST_DAYS: Final = 36_500

_Reason: TypeAlias = Callable[[Planned], str]
_REASONS: Final[Mapping[str, _Reason]] = {
    "pending": lambda _: "detaching it was interrupted: ALTER TABLE … DETACH PARTITION … FINALIZE ends it",
    "inactive": lambda _: "the policy of its table is not active",
    "attached": lambda _: "somebody attached it again, or moved it: it is let be",
    "archive": lambda _: "it waits for its archive",
    "grace": lambda _: "its grace is not over",
    "hold": lambda planned: f"legal hold {planned.hold} keeps it",
    "stray": lambda _: "somebody detached it by hand: it is never dropped here; attach it again, or drop it",
}


class PolicyRefused(DatabaseError):
    """A policy cannot be changed to that."""


def change(uow: UnitOfWork, name: str, *, days: int | None, strategy: str | None, grace_days: int | None) -> Policy:
    """Change a policy; raise with a sentence what cannot be kept."""
    policy = _found(uow.retention.policies(), name)
    wanted = {"days": days, "strategy": strategy, "grace": grace_days}
    if all(value is None for value in wanted.values()):
        raise PolicyRefused("Say what is to change: --days, --strategy or --grace.")
    if days is not None:
        _refuse_days(policy, days)
    if policy.unit is None:
        if days is None or strategy is not None or grace_days is not None:
            raise PolicyRefused(f"{policy.table} is not partitioned: its rows are deleted, so only --days can change.")
        uow.retention.set_rows(policy.table, days=days)
    else:
        uow.retention.set(policy.table, days=days, strategy=strategy, grace_days=grace_days)
    return _found(uow.retention.policies(), policy.table)


def reason(planned: Planned, now: datetime) -> str | None:
    """Say why a partition is not gone yet; None if the next run takes it."""
    if planned.waits is not None:
        return _REASONS[planned.waits](planned)
    if planned.due_at is not None and planned.due_at > now:
        return "its time has not come"
    return None


def busy(uow: UnitOfWork, now: datetime) -> Sequence[str]:
    """Name what should be gone and is not, since somebody uses it."""
    plan = uow.retention.plan(days_ahead=0, is_thorough=False)
    return [planned.relation for planned in plan if reason(planned, now) is None]


def facts(planned: Planned, now: datetime) -> dict[str, object]:
    """Give a line of the plan for programs."""
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(planned).items()
    }
    return {**plain, "hold": planned.hold and str(planned.hold), "why_not": reason(planned, now)}


def hold_facts(hold: Hold) -> dict[str, object]:
    """Give a hold for programs."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else str(value) if isinstance(value, UUID) else value
        for name, value in asdict(hold).items()
    }


def _found(policies: Sequence[Policy], name: str) -> Policy:
    found = [policy for policy in policies if name in {policy.table, policy.table.partition(".")[2]}]
    exact = [policy for policy in found if policy.table == name]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise PolicyRefused(f"{name} is {' or '.join(policy.table for policy in found)}: give it with its schema.")
    tables = ", ".join(policy.table for policy in policies)
    raise PolicyRefused(f"No table {name} has a policy: choose one of {tables}.")


def _refuse_days(policy: Policy, days: int) -> None:
    least, why = _least(policy)
    if days < least:
        raise PolicyRefused(f"{policy.table} must keep {least} days at least: {why}.")
    if days > _MOST_DAYS:
        raise PolicyRefused(f"{days} days are more than {_MOST_DAYS}, a century: give fewer.")


def _least(policy: Policy) -> tuple[int, str]:
    """Say how many days must be kept at least, and why."""
    late = f"a message may come {LATEST_DAYS} days late, and"
    if policy.table == INBOX:
        return _INBOX_DAYS, "the inbox must know every message that may still come"
    if policy.table in _COUNTED:
        return LATEST_DAYS + 2, f"{late} its day is counted anew from the day's hours"
    return (
        (1, "nothing is shorter")
        if policy.unit is None
        else (LATEST_DAYS, f"{late} the row that it stores is of its own time")
    )
