"""`python -m db archives`: partitions that were archived, and their way back."""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from archives.bucket import store_at
from archives.errors import ArchiveError
from archives.place import Place
from archives.store import Store
from db import unshelving
from db.console import URLS, UsageError, command, conclude, database_url, progress, setting
from db.engine import Database
from db.repositories.shelved import Kept
from db.settings import DatabaseSettings

_ROW: Final = "{:<40}{:<12}{:<12}{:>14}  {}"
_HEAD: Final = _ROW.format("partition", "from", "to", "rows", "where")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    archives = commands.add_parser("archives", help="partitions that were archived, and their way back")
    actions = archives.add_subparsers(required=True, metavar="ACTION")
    command(actions, "list", _list, "show what is archived where, and what waits for it")
    verify = command(actions, "verify", _verify, "read archives and compare them with what was written")
    verify.add_argument("name", nargs="?", help="the partition or the address of its archive; all without it")
    export = command(actions, "export", _export, "write an archive elsewhere: a line of JSON a row, or the file itself")
    export.add_argument("name")
    export.add_argument("--to", type=Path, required=True, metavar="FILE", help="ending in .parquet: the file itself")
    restore = command(actions, "restore", _restore, "bring the rows of an archive back, for the grace of their policy")
    restore.add_argument("name")
    restore.add_argument("--attach", action="store_true", help="as a partition of their table, like before")


def _list(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        found = uow.shelved.list()
    conclude(options, {"archives": [_facts(kept) for kept in found]}, _table(found))


def _verify(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    store = _store(environment)
    with closing(_database(environment)) as database:
        checked, problems = [], []
        for kept in _chosen(database, options.name):
            try:
                checked.append(unshelving.verify(database, store, kept, report=progress))
            except ArchiveError as error:
                problems.append(str(error))
    changed = [f"{each.relation} has other rows than {each.uri}." for each in checked if each.is_same is False]
    facts = {"archives": [each.facts() for each in checked], "problems": [*problems, *changed]}
    lines = [f"{each.uri} is as it was written: {each.rows:,} rows ({each.checksum})." for each in checked]
    conclude(options, facts, "\n".join([*lines, *problems, *changed]) or "Nothing is archived yet.")
    if problems or changed:
        raise UsageError(f"{len(problems) + len(changed)} archives are not what was archived.")


def _export(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    store, as_parquet = _store(environment), options.to.suffix == unshelving.PARQUET
    with closing(_database(environment)) as database:
        kept = unshelving.find(database, options.name)
    # Before the target is touched: a file that is there is not given up for one that is damaged.
    unshelving.check_digest(store, kept)
    try:
        with options.to.open("wb") as target:
            rows = unshelving.export(store, kept, target, as_parquet=as_parquet, report=progress)
    except OSError as error:
        raise UsageError(f"{options.to} cannot be written: {error.strerror}.") from None
    conclude(options, {"rows": rows, "file": str(options.to)}, f"{rows:,} rows are written to {options.to}.")


def _restore(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    store = _store(environment)
    with closing(_database(environment)) as database:
        kept = unshelving.find(database, options.name)
        restored = unshelving.restore(database, store, kept, attach=options.attach, report=progress)
    until = "a partition again" if options.attach else "dropped again after the grace of its policy"
    sentence = f"{restored.rows:,} rows ({restored.checksum}) are back in {restored.relation}, {until}."
    conclude(options, restored.facts(), sentence)


def _chosen(database: Database, name: str | None) -> Sequence[Kept]:
    if name is not None:
        return [unshelving.find(database, name)]
    with database.transaction() as uow:
        return [kept for kept in uow.shelved.list() if kept.uri is not None]


def _store(environment: Mapping[str, str]) -> Store:
    url = setting(environment, "ARCHIVE_URL")
    if url is None:
        raise UsageError("Set ARCHIVE_URL (or ARCHIVE_URL_FILE) to where archives are, such as file:///srv/archives.")
    return store_at(Place.parse(url))


def _database(environment: Mapping[str, str]) -> Database:
    settings = DatabaseSettings(
        url=database_url(environment, *URLS), application_name="minimcp-archives", statement_timeout_ms=0
    )
    return Database(settings)


def _facts(kept: Kept) -> dict[str, object]:
    return {
        "relation": kept.relation,
        "parent": kept.parent,
        "from": kept.range_from.isoformat(),
        "to": kept.range_to.isoformat(),
        "uri": kept.uri,
        "rows": kept.rows,
        "sha256": kept.sha256,
        "archived_at": kept.archived_at and kept.archived_at.isoformat(),
        "dropped_at": kept.dropped_at and kept.dropped_at.isoformat(),
        "in_database": kept.is_there,
    }


def _table(found: Sequence[Kept]) -> str:
    rows = [
        _ROW.format(
            kept.relation,
            f"{kept.range_from:%Y-%m-%d}",
            f"{kept.range_to:%Y-%m-%d}",
            "-" if kept.rows is None else f"{kept.rows:,}",
            kept.uri or "waits for its archive",
        )
        for kept in found
    ]
    return "\n".join([_HEAD, *rows]) if rows else "Nothing is archived, and nothing waits for it."
