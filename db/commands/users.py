"""`python -m db users`: what is known of a user, and how a user is forgotten."""

import argparse
import sys
from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from uuid import UUID

from db import erasing, exporting
from db.console import URLS, command, conclude, database_url, reporter
from db.engine import Database
from db.settings import DatabaseSettings


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    people = commands.add_parser("users", help="what is known of a user, and forgetting one")
    actions = people.add_subparsers(required=True, metavar="ACTION")
    export = command(actions, "export", _export, "write every row about a user, without secrets, as lines of JSON")
    export.add_argument("user", type=UUID, metavar="ID")
    export.add_argument(
        "--to", type=Path, metavar="FILE", help="instead of standard output; then rows are counted there"
    )
    erase = command(actions, "erase", _erase, "delete all that is a user's, and blank what records say of the user")
    erase.add_argument("user", type=UUID, metavar="ID")
    erase.add_argument("--dry-run", action="store_true", help="count what would go and change nothing")


def _export(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    target = options.to
    opened = nullcontext(sys.stdout) if target is None else target.open("w", encoding="utf-8")
    with closing(_database(environment)) as database, opened as lines:
        counts = exporting.export(database, options.user, lambda line: lines.write(f"{line}\n"))
    if target is not None:
        facts = {"rows": counts.total(), "tables": dict(counts)}
        conclude(options, facts, f"{counts.total():,} rows of {len(counts)} tables are written to {target}.")


def _erase(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database:
        erased = erasing.erase(database, options.user, is_rehearsal=options.dry_run, report=reporter(options, []))
    conclude(options, erased.facts(), "\n".join(erased.sentences()))


def _database(environment: Mapping[str, str]) -> Database:
    # A month of a large log is read as a whole where no index leads to a user.
    settings = DatabaseSettings(
        url=database_url(environment, *URLS), application_name="minimcp-users", statement_timeout_ms=0
    )
    return Database(settings)
