"""`python -m db runs`: the diary of maintenance."""

import argparse
import json
from collections.abc import Mapping
from contextlib import closing

from db.console import URLS, command, conclude, database_url
from db.engine import Database
from db.repositories.runs import Entry
from db.settings import DatabaseSettings


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command."""
    diary = command(commands, "runs", _runs, "show what maintenance did, the newest first")
    diary.add_argument("--task", help="only this one, such as migrate-to-shared")
    diary.add_argument("--limit", type=int, default=20)


def _runs(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    database = Database(DatabaseSettings(url=database_url(environment, *URLS)))
    with closing(database), database.transaction() as uow:
        entries = uow.runs.latest(task=options.task, limit=options.limit)
    facts = {"runs": [entry.facts() for entry in entries]}
    conclude(options, facts, "\n".join(map(_line, entries)) or "Nothing was done yet.")


def _line(entry: Entry) -> str:
    detail = json.dumps(dict(entry.detail), ensure_ascii=False)
    took = (entry.finished_at - entry.started_at).total_seconds()
    return (
        f"{entry.finished_at:%Y-%m-%d %H:%M:%S}  {entry.task:<24}{entry.outcome:<8}{took:>9,.1f} s"
        f"{entry.affected:>10,}{entry.bytes / 1e6:>10,.1f} MB  {detail}"
    )
