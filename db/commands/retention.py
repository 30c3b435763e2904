"""`python -m db retention`: how long tables keep their rows, and what is to go."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from db import retaining
from db.console import URLS, command, conclude, database_url
from db.engine import Database
from db.repositories.retention import Planned, Policy
from db.settings import DatabaseSettings

STRATEGIES: Final = ("detach_drop", "detach_archive")
_POLICY: Final = "{:<34}{:>6}  {:<16}{:>6}  {:<8}{}"
_PLAN: Final = "{:<44}{:<12}{:<12}{:>14}{:>10}  {:<8}{:<12}{}"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    retention = commands.add_parser("retention", help="how long tables keep their rows, and what is to go")
    actions = retention.add_subparsers(required=True, metavar="ACTION")
    plan = command(actions, "plan", _plan, "show what would go, when, and why something does not; changes nothing")
    plan.add_argument("--ahead", type=_days, default=0, metavar="DAYS", help="what goes within so many days too")
    command(actions, "list", _list, "show the policies")
    change = command(actions, "set", _set, "change a policy; it counts from the next tick on")
    change.add_argument("table", metavar="TABLE")
    change.add_argument("--days", type=_days, help="how long rows are kept, in whole days")
    change.add_argument(
        "--strategy", choices=STRATEGIES, help="whether partitions are archived before they are dropped"
    )
    change.add_argument("--grace", type=_days, metavar="DAYS", help="how long a detached partition stays")


def _plan(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    now = datetime.now(UTC)
    with closing(_database(environment)) as database, database.transaction() as uow:
        plan = uow.retention.plan(days_ahead=options.ahead)
    conclude(options, {"plan": [retaining.facts(planned, now) for planned in plan]}, _told(plan, now))


def _list(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        policies = uow.retention.policies()
    conclude(options, {"policies": [asdict(policy) for policy in policies]}, _table(policies))


def _set(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        uow.shelved.act_as_owner()
        policy = retaining.change(
            uow, options.table, days=options.days, strategy=options.strategy, grace_days=options.grace
        )
    conclude(options, {"policy": asdict(policy)}, _table([policy]))


def _database(environment: Mapping[str, str]) -> Database:
    settings = DatabaseSettings(
        url=database_url(environment, *URLS), application_name="minimcp-retention", statement_timeout_ms=0
    )
    return Database(settings)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        message = f"{text!r} is not a number of whole days, such as 183 for half a year"
        raise argparse.ArgumentTypeError(message)
    return int(text[:9])


def _told(plan: Sequence[Planned], now: datetime) -> str:
    lines = [
        _PLAN.format(
            planned.relation,
            _day(planned.range_from),
            _day(planned.range_to),
            f"{planned.rows:,}",
            f"{planned.total_bytes / 1e6:,.1f}",
            planned.step,
            _day(planned.due_at),
            retaining.reason(planned, now) or "the next run takes it, unless somebody uses it for long",
        )
        for planned in plan
    ]
    head = _PLAN.format("partition", "from", "to", "about rows", "MB", "step", "due", "why not")
    return "\n".join([head, *lines]) if lines else "Nothing is to go."


def _table(policies: Sequence[Policy]) -> str:
    lines = [
        _POLICY.format(
            policy.table,
            policy.days,
            policy.strategy,
            policy.grace_days if policy.unit else "-",
            policy.unit or "-",
            f"{policy.description or ''}{'' if policy.is_active else ' (not active)'}",
        )
        for policy in policies
    ]
    return "\n".join([_POLICY.format("table", "days", "strategy", "grace", "unit", "why"), *lines])


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"
