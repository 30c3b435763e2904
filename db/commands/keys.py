"""`python -m db keys`: which master keys there are, and from one to the next."""

import argparse
import hmac
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Final

from db import rotating
from db.console import URLS, command, conclude, database_url, master_keys, reporter
from db.encryption import KeyRing
from db.engine import Database
from db.repositories.rotation import KeyStatus
from db.repositories.runs import Entry
from db.settings import DatabaseSettings

_ROW: Final = "{:<24}{:<14}{:<10}{:>10}{:>10}{:>10}"
_HEAD: Final = _ROW.format("master key", "status", "here", "keys", "archived", "shares")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    keys = commands.add_parser("keys", help="master keys: which there are, and from one to the next")
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    command(actions, "status", _status, "show the master keys and how many secrets are under each")
    rotate = command(actions, "rotate", _rotate, "wrap all secrets under the active master key, while traffic goes on")
    rotate.add_argument("--to", metavar="NAME", help="make this key of MASTER_KEYS the active one first")
    retire = command(actions, "retire", _retire, "retire a master key that nothing is under any more")
    retire.add_argument("name", help="it may be taken out of MASTER_KEYS afterwards")


def _status(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    ring = master_keys(environment)
    with closing(_database(environment)) as database, database.transaction() as uow:
        statuses, last = uow.rotation.status(), next(iter(uow.runs.latest(task=rotating.TASK, limit=1)), None)
    facts = {"master_keys": [_facts(status, ring) for status in statuses], "last_run": last and last.facts()}
    conclude(options, facts, _table(statuses, ring, last))


def _rotate(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    ring = master_keys(environment)
    with closing(_database(environment)) as database:
        if options.to:
            rotating.activate(database, ring, options.to)
        rotated = rotating.rotate(database, ring, report=reporter(options, []))
    conclude(options, rotated.facts(), rotated.sentence())


def _retire(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database:
        rotating.retire(database, options.name)
    conclude(options, {"retired": options.name}, f"{options.name} is retired: take it out of MASTER_KEYS.")


def _database(environment: Mapping[str, str]) -> Database:
    return Database(DatabaseSettings(url=database_url(environment, *URLS), application_name="minimcp-keys"))


def _facts(status: KeyStatus, ring: KeyRing) -> dict[str, object]:
    return {
        "name": status.key_id,
        "status": status.status,
        "here": _here(status, ring),
        "keys": status.keys,
        "archived_keys": status.archived_keys,
        "shares": status.shares,
        "created_at": status.created_at.isoformat(),
        "retired_at": status.retired_at and status.retired_at.isoformat(),
    }


def _here(status: KeyStatus, ring: KeyRing) -> str:
    """Say whether MASTER_KEYS holds the key, or another of its name."""
    ours = ring.check_values().get(status.key_id)
    if ours is None:
        return "no"
    return "yes" if hmac.compare_digest(ours, status.check_value) else "another"


def _table(statuses: Sequence[KeyStatus], ring: KeyRing, last: Entry | None) -> str:
    rows = [
        _ROW.format(each.key_id, each.status, _here(each, ring), each.keys, each.archived_keys, each.shares)
        for each in statuses
    ]
    return "\n".join([_HEAD, *rows, _told(last)])


def _told(last: Entry | None) -> str:
    if last is None:
        return "No secret has been wrapped anew so far."
    waits, unreadable = last.detail.get("waits"), last.detail.get("unreadable")
    what = f"it waits: {waits}" if waits else f"{last.affected} wrapped under {last.detail.get('to')}"
    broken = f", {unreadable} cannot be unwrapped" if unreadable else ""
    return f"Last run, {last.finished_at:%Y-%m-%d %H:%M:%S}: {what}{broken}."
