"""`python -m db`: migrate, check, seed and look at the database."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import chain
from pathlib import Path
from uuid import UUID

from archives.errors import ArchiveError
from db import archiving, importing, moving, roles, schema, seeds
from db.commands import archives, audit, holds, keys, maintenance, retention, runs, users
from db.console import URLS, NothingFound, UsageError, command, conclude, database_url, master_keys, reporter
from db.engine import Database
from db.errors import DatabaseError
from db.printable import printable
from db.repositories.partitions import Horizon
from db.settings import DatabaseSettings

_INTERRUPTED = 130
_NOTHING_FOUND = 2
_NO_PRIVILEGE = "42501"


def main(arguments: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Run a command; 0 if it was done, 1 after a sentence that says what to do, 2 if there is nothing of that name."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options, environment)
    except DatabaseError as error:
        remedy = " Set DATABASE_ADMIN_URL to a login that may." if error.sqlstate == _NO_PRIVILEGE else ""
        print(f"{error}{remedy}", file=sys.stderr)
        return _NOTHING_FOUND if isinstance(error, NothingFound) else 1
    except ArchiveError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: what was committed stays, and running it again does the rest.", file=sys.stderr)
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m db", description="Migrate, check, seed and look at the database.")
    parser.add_argument("--json", action="store_true", help="answer in JSON, for programs")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    upgrade = command(commands, "upgrade", _upgrade, "bring the schema up")
    upgrade.add_argument("revision", nargs="?", default="head")
    upgrade.add_argument("--sql", action="store_true", help="print the SQL instead; REVISION may be FROM:TO")
    command(commands, "downgrade", _downgrade, "take the schema down").add_argument(
        "revision", help="`base` for nothing"
    )
    command(commands, "check", _check, "say whether a worker may start with DATABASE_URL")
    command(commands, "partitions", _partitions, "make missing partitions and show how far they reach")
    services = command(
        commands, "import-services", _import_services, "register the shared services of a file or folder"
    )
    services.add_argument("path", type=Path, help="JSON or JSON lines: our own form, or the official registry's")
    services.epilog = "Exits with 0 also when some entries were skipped, and with 1 when nothing could be registered."
    services.add_argument("--dry-run", action="store_true", help="say what would be done and change nothing")
    move = command(
        commands, "migrate-to-shared", _migrate, "move users' keys from dedicated instances to shared services"
    )
    move.add_argument("--service", metavar="NAME", help="only to this service")
    move.add_argument("--user", type=UUID, metavar="ID", help="only this user's")
    archive = command(
        commands, "archive-dedicated", _archive, "archive dedicated instances and keys that moved and are not in use"
    )
    for parser_of_changes in (move, archive):
        parser_of_changes.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    archives.add(commands)
    holds.add(commands)
    retention.add(commands)
    keys.add(commands)
    users.add(commands)
    audit.add(commands)
    runs.add(commands)
    maintenance.add(commands)
    seed = command(commands, "seed", _seed, "make sure that a user exists")
    seed.add_argument("--user-id", type=UUID, required=True)
    seed.add_argument("--email", required=True)
    seed.add_argument("--name", required=True)
    login = command(commands, "login", _login, "make a login; its password is read from standard input")
    login.add_argument("name")
    login.add_argument("--role", choices=sorted(roles.GROUPS), default="worker")
    return parser


def _upgrade(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    if options.sql:
        print(schema.as_sql(options.revision))
        return
    steps: list[str] = []
    schema.upgrade(database_url(environment, *URLS), options.revision, reporter(options, steps))
    conclude(options, {"steps": steps}, "The schema is up to date." if not steps else f"{len(steps)} steps done.")


def _downgrade(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    steps: list[str] = []
    schema.downgrade(database_url(environment, *URLS), options.revision, reporter(options, steps))
    conclude(options, {"steps": steps}, f"{len(steps)} steps undone.")


def _check(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(Database(DatabaseSettings(url=database_url(environment, "DATABASE_URL")))) as database:
        database.check()
    conclude(
        options, {"fit": True, "revision": schema.head()}, f"A worker may start: the schema is at {schema.head()}."
    )


def _partitions(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(Database(DatabaseSettings(url=database_url(environment, *URLS), lock_timeout_ms=10_000))) as database:
        with database.transaction() as uow:
            made, *problems = uow.partitions.ensure()
        with database.transaction() as uow:
            horizons = uow.partitions.horizon()
    conclude(options, {"made": made, "tables": [_plain(row) for row in horizons]}, _table(horizons, made))
    if any(problems):
        raise UsageError("; ".join(chain(*problems)))


def _import_services(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    if not options.path.exists():
        raise UsageError(f"There is no {printable(str(options.path))}.")
    with closing(Database(DatabaseSettings(url=database_url(environment, *URLS)))) as database:
        found = importing.import_services(database, options.path, is_rehearsal=options.dry_run)
    conclude(options, found.facts(), "\n".join(found.sentences()))
    if not found.outcomes:
        raise UsageError(f"No service of {printable(str(options.path))} could be registered.")


def _migrate(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    ring = master_keys(environment)
    with closing(Database(DatabaseSettings(url=database_url(environment, *URLS)))) as database:
        moved = moving.migrate(
            database,
            ring,
            service_type=options.service,
            user_id=options.user,
            is_rehearsal=options.dry_run,
            report=reporter(options, []),
        )
    conclude(options, moved.facts(), "\n".join(moved.sentences()))


def _archive(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(Database(DatabaseSettings(url=database_url(environment, *URLS)))) as database:
        archived = archiving.archive(database, is_rehearsal=options.dry_run, report=reporter(options, []))
    conclude(options, archived.facts(), "\n".join(archived.sentences()))


def _seed(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    url = database_url(environment, *URLS)
    is_new = seeds.add_user(url, user_id=options.user_id, email=options.email, name=options.name)
    answer = f"The user {options.name} <{options.email}> {'was added' if is_new else 'was there'}."
    conclude(options, {"user_id": str(options.user_id), "new": is_new}, answer)


def _login(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise UsageError("Give the password on standard input, as in `echo $PASSWORD | python -m db login NAME`.")
    roles.create_login(database_url(environment, *URLS), options.name, password, options.role)
    conclude(options, {"login": options.name, "role": options.role}, f"{options.name} may log in as a {options.role}.")


def _plain(row: Horizon) -> dict[str, object]:
    return {
        "table": f"{row.schema_name}.{row.table_name}",
        "partitions": row.partitions,
        "covered_from": row.covered_from and row.covered_from.isoformat(),
        "covered_to": row.covered_to and row.covered_to.isoformat(),
        "days_ahead": row.ahead and row.ahead.days,
        "gaps": row.gaps,
        "expired": row.expired,
        "retention_days": row.retention_days,
        "bytes": row.total_bytes,
    }


def _table(rows: Sequence[Horizon], made: Sequence[str]) -> str:
    lines = [("table", "partitions", "from", "to", "days ahead", "days kept", "gaps", "expired", "MB")]
    lines += [
        (
            f"{row.schema_name}.{row.table_name}",
            str(row.partitions),
            _day(row.covered_from),
            _day(row.covered_to),
            str(row.ahead.days if row.ahead else 0),
            str(row.retention_days),
            str(row.gaps),
            str(row.expired),
            f"{row.total_bytes / 1e6:.1f}",
        )
        for row in rows
    ]
    table = [f"{name:<34}" + "".join(f"{cell:>12}" for cell in cells) for name, *cells in lines]
    return "\n".join([*table, f"Made now: {', '.join(made) or 'nothing was missing'}."])


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "-"


if __name__ == "__main__":
    sys.exit(main())
