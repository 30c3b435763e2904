"""`python -m db troubles` and `python -m db ticks`: whether maintenance does what it should."""

import argparse
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import datetime

from db.console import URLS, UsageError, command, conclude, database_url
from db.engine import Database
from db.repositories.ticks import LatestTick
from db.settings import DatabaseSettings


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    command(commands, "troubles", _troubles, "say what is wrong with maintenance; exits with 1 if anything is")
    ticks = commands.add_parser("ticks", help="when each tick of the timetable was applied last")
    actions = ticks.add_subparsers(required=True, metavar="ACTION")
    command(actions, "list", _list, "show the last tick of each task, and when the next is due")
    forget = command(actions, "forget", _forget, "expect no more ticks of a task that TIMETABLE sets off")
    forget.add_argument("task", metavar="TASK")


def _troubles(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        found = uow.troubles.list()
    facts = {"troubles": [asdict(each) for each in found]}
    conclude(options, facts, "\n".join(map(str, found)) or "Nothing is wrong with maintenance.")
    if found:
        things = "1 thing is" if len(found) == 1 else f"{len(found)} things are"
        raise UsageError(f"{things} wrong with maintenance.")


def _list(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        ticks = uow.ticks.latest()
    facts = {"ticks": [_facts(tick) for tick in ticks]}
    conclude(options, facts, "\n".join(map(_line, ticks)) or "No tick has come yet: run `python -m scheduler`.")


def _forget(options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    with closing(_database(environment)) as database, database.transaction() as uow:
        was_expected = uow.ticks.forget(options.task)
    if not was_expected:
        raise UsageError(f"No tick of {options.task} was expected: `python -m db ticks list` shows which are.")
    conclude(options, {"forgotten": options.task}, f"No tick of {options.task} is expected until one comes.")


def _database(environment: Mapping[str, str]) -> Database:
    return Database(DatabaseSettings(url=database_url(environment, *URLS)))


def _facts(tick: LatestTick) -> dict[str, object]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(tick).items()}


def _line(tick: LatestTick) -> str:
    due = f"next {tick.next_fire_time:%Y-%m-%d %H:%M:%S}" if tick.next_fire_time else "sent by hand"
    problem = f"  {tick.problem}" if tick.problem else ""
    return f"{tick.task:<24}{tick.fire_time:%Y-%m-%d %H:%M:%S}  {tick.outcome:<8}{due}{problem}"
