"""Dead letters as lines of JSON, a file for each day, for whoever looks at them elsewhere."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Final, Literal

from archives.errors import ArchiveError
from archives.store import Store
from db.engine import Database
from db.repositories.dead_letters import DeadLetter
from db.unit_of_work import UnitOfWork

TASK: Final = "export-dead-letters"
DAYS: Final = 7
"""How far back a day is made up for that nobody exported, while the folder was full for instance; no further."""

_PAGE: Final = 500


def export(
    database: Database, store: Store, *, now: datetime | None = None, stopping: Callable[[], bool] = lambda: False
) -> None:
    """Write each of the last days that was not written yet; a day that cannot be is told, and tried the next time."""
    now = now or datetime.now(UTC)
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    done = _done(database)
    for day in (today - timedelta(days=back) for back in range(DAYS, 0, -1)):
        if f"{day:%Y-%m-%d}" not in done and not stopping() and not _exported(database, store, day, now):
            return


def _exported(database: Database, store: Store, day: datetime, now: datetime) -> bool:
    """Write a day and tell how it ended; False if it could not be, or another process writes one."""
    with database.transaction() as uow:
        if not uow.locks.alone(TASK):
            return False
        problem = _export_day(uow, store, day)
        _note_tick(uow, now, problem)
        return problem is None


def _export_day(uow: UnitOfWork, store: Store, day: datetime) -> str | None:
    """Write the letters of a day; give what was in the way."""
    started_at, name = datetime.now(UTC), f"dead_letters/{day:%Y-%m-%d}-letters.jsonl"
    detail: dict[str, object] = {"day": f"{day:%Y-%m-%d}"}
    rows = size = 0
    problem = None
    letters = _letters(uow, day, day + timedelta(days=1))
    try:
        # A day without letters has no file.
        if first := next(letters, None):
            with store.create(name) as file:
                for letter in chain((first,), letters):
                    rows, size = rows + 1, size + file.write(_line(letter))
            store.finish(name)
            detail["uri"] = store.place.uri(name)
    except ArchiveError as error:
        rows, size, problem = 0, 0, str(error)
        detail["problem"] = problem
    uow.runs.record(TASK, started_at, rows, detail, total_bytes=size, outcome=_outcome(problem))
    return problem


def _letters(uow: UnitOfWork, since: datetime, until: datetime) -> Iterator[DeadLetter]:
    last: DeadLetter | None = None
    while True:
        page = uow.dead_letters.between(since, until, after=last, limit=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1]


def _line(letter: DeadLetter) -> bytes:
    return json.dumps(asdict(letter), default=_plain, ensure_ascii=False).encode() + b"\n"


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _done(database: Database) -> set[object]:
    with database.transaction() as uow:
        runs = uow.runs.latest(task=TASK, limit=4 * DAYS)
    return {run.detail.get("day") for run in runs if run.outcome == "done"}


def _note_tick(uow: UnitOfWork, now: datetime, problem: str | None) -> None:
    """Have the tick end as the work did, so that it is told like any other that failed."""
    uow.ticks.note(TASK, fire_time=now, next_fire_time=None, outcome=_outcome(problem), problem=problem)


def _outcome(problem: str | None) -> Literal["done", "failed"]:
    return "done" if problem is None else "failed"
