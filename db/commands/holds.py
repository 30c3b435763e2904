"""`python -m db holds`: whose data must be kept."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from getpass import getuser
from uuid import UUID

from db import retaining
from db.console import URLS, UsageError, command, conclude, database_url
from db.engine import Database
from db.repositories.holds import Hold
from db.settings import DatabaseSettings


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    holds = commands.add_parser("holds", help="legal holds: whose data must be kept")
    actions = holds.add_subparsers(required=True, metavar="ACTION")
    command(actions, "list", _list, "show what is held, by whose order and why, and what was")
    hold = command(actions, "add", _add, "keep what is a tenant's or an instance's: no partition of it is dropped")
    whose = hold.add_mutually_exclusive_group(required=True)
    whose.add_argument("--tenant", metavar="ID")
    whose.add_argument("--instance", type=UUID, metavar="ID")
    hold.add_argument("--reason", required=True, help="such as the number of a case")
    hold.add_argument("--until", type=_moment, metavar="TIME", help="when it ends by itself, such as 2027-01-31")
    release = command(actions, "release", _release, "end a hold; what is past its time goes with the next runs")
    release.add_argument("id", type=UUID, metavar="ID")
    for action in (hold, release):
        action.add_argument("--by", metavar="NAME", help="who orders it; you, if nobody is named")


def _list(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        holds = uow.holds.list()
    conclude(options, {"holds": [retaining.hold_facts(hold) for hold in holds]}, _table(holds))


def _add(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        uow.shelved.act_as_owner()
        hold = uow.holds.add(
            tenant_id=options.tenant,
            instance_id=options.instance,
            reason=options.reason,
            asked_by=options.by or getuser(),
            until=options.until,
        )
    whose = f"tenant {options.tenant}" if options.tenant else f"instance {options.instance}"
    if hold is None:
        raise UsageError(f"There is no {whose}: nothing is held.")
    conclude(options, {"hold": str(hold)}, f"Hold {hold} keeps what is the {whose}'s.")


def _release(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        uow.shelved.act_as_owner()
        was_open = uow.holds.release(options.id, released_by=options.by or getuser())
    if not was_open:
        raise UsageError(f"There is no hold {options.id} to release: `python -m db holds list` shows which hold.")
    conclude(options, {"released": str(options.id)}, f"Hold {options.id} is released.")


def _database(environment: Mapping[str, str]) -> Database:
    return Database(DatabaseSettings(url=database_url(environment, *URLS), application_name="minimcp-holds"))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a time such as 2027-01-31 or 2027-01-31T12:00+01:00"
        raise argparse.ArgumentTypeError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _table(holds: Sequence[Hold]) -> str:
    return "\n".join(map(_line, holds)) or "Nothing is held."


def _line(hold: Hold) -> str:
    whose = f"tenant {hold.tenant_id}" if hold.tenant_id else f"instance {hold.instance_id}"
    if hold.released_at is not None:
        state = f"released {hold.released_at:%Y-%m-%d} by {hold.released_by}"
    elif hold.is_open:
        state = f"until {hold.until:%Y-%m-%d}" if hold.until else "until it is released"
    else:
        state = "over"
    return f"{hold.id}  {whose}  since {hold.since:%Y-%m-%d} {state}  {hold.reason} ({hold.asked_by})"
