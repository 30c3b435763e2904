"""What ``python -m workers logs tail`` and ``search`` are asked, and the lines they tell."""

import argparse
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from db.engine import Database
from db.looking import LogRow, Wanted
from db.page import Mark, Window
from db.printable import printable

from ..fate import FUTURE
from .dead_letters import CommandError
from .walking import Walk

LEVELS: Final = ("debug", "info", "warn", "error")
MOST: Final = 10_000

# A message may be from that far in the future, and a line of it from that far in the future of the message.
AHEAD: Final = 2 * FUTURE + timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Question:
    """Which lines somebody wants to see, of which instances."""

    instance_ids: tuple[UUID, ...]
    window: Window
    levels: Sequence[str] | None = None
    words: str | None = None
    limit: int = 100
    before: Mark | None = None


def wanted(database: Database, question: Question) -> Wanted:
    """Read the words as the database does; say which instances there are not."""
    with database.transaction() as uow:
        strangers = [str(each) for each in question.instance_ids if uow.fleet.get(each) is None]
        words = None if question.words is None else uow.logs.words(question.words)
    if strangers:
        message = f"there is no instance {', '.join(strangers)}: `python -m workers health list` names those that run"
        raise CommandError(message)
    if question.words is not None and words is None:
        message = f"there is no word in {question.words!r}: letters and digits are searched for"
        raise CommandError(message)
    return Wanted(question.levels, words)


def walking(database: Database, question: Question, wanted: Wanted) -> Walk:
    """Begin a walk through the lines that were asked for."""
    walk = Walk(database, question.instance_ids, question.window, wanted, limit=question.limit)
    if question.before is not None:
        walk.begin_before(question.before)
    return walk


def newest(
    database: Database, question: Question, wanted: Wanted, enough: Callable[[], bool] = lambda: False
) -> list[LogRow]:
    """Give the newest lines that were asked for, the oldest of them first; fewer if it is enough before."""
    rows: list[LogRow] = []
    for found in walking(database, question, wanted):
        rows += found
        if len(rows) >= question.limit or enough():
            break
    return rows[: question.limit][::-1]


def told(row: LogRow) -> str:
    """Give a line for people: further lines of it are indented, and nothing in it commands their terminal."""
    first, *further = row.message.replace("\r\n", "\n").expandtabs(4).rstrip("\n").split("\n")
    extra = f"  {json.dumps(dict(row.metadata), ensure_ascii=False)}" if row.metadata else ""
    head = f"{row.timestamp.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    lines = [f"{head}  {row.level:<5}  …{str(row.instance_id)[-8:]}  {printable(first)}"]
    lines += [f"    {printable(each)}" for each in further]
    lines[-1] += printable(extra)
    return "\n".join(lines)


def as_json(row: LogRow) -> str:
    """Give a line for programs."""
    fields = {
        "id": str(row.id),
        "instance_id": str(row.instance_id),
        "timestamp": row.timestamp.astimezone(UTC).isoformat(),
        "level": row.level,
        "source": row.source,
        "message": row.message,
        "metadata": dict(row.metadata),
    }
    return json.dumps(fields)


def mark(text: str) -> Mark:
    """Read where a page begins, as `marked` wrote it."""
    at, _, line_id = text.partition("/")
    with suppress(ValueError, OverflowError):
        return Mark(datetime.fromisoformat(at).astimezone(UTC), UUID(line_id))
    message = f"{text!r} is not where a page begins: give what the page before was told to go on with"
    raise argparse.ArgumentTypeError(message)


def count(most: int) -> Callable[[str], int]:
    """Make a reader of whole numbers from 1 to so many."""

    def read(text: str) -> int:
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else 0
        if not 1 <= number <= most:
            message = f"{text!r} is not a whole number from 1 to {most:,}"
            raise argparse.ArgumentTypeError(message)
        return number

    return read


def marked(mark: Mark) -> str:
    """Write where a page begins."""
    return f"{mark.at.astimezone(UTC).isoformat()}/{mark.id}"
