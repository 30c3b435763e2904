"""Dead letters as lines of JSON, a file for each day, for whoever looks at them elsewhere."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from archives.errors import ArchiveError
from archives.store import Store
from db.engine import Database
from db.repositories.dead_letters import DeadLetter

TASK: Final = "export-dead-letters"
DAYS: Final = 7
"""How far back a day is made up for that nobody exported, while the folder was full for instance."""

_PAGE: Final = 500


def export(
    database: Database, store: Store, *, now: datetime | None = None, stopping: Callable[[], bool] = lambda: False
) -> None:
    """Write each of the last days that was not written yet; a day that cannot be is told, and tried the next time."""
    now = now or datetime.now(UTC)
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    done = _done(database)
    for day in (today - timedelta(days=back) for back in range(DAYS, 0, -1)):
        if f"{day:%Y-%m-%d}" not in done and not stopping():
            problem = _export_day(database, store, day)
            _note_tick(database, now, problem)
            if problem is not None:
                return


def _export_day(database: Database, store: Store, day: datetime) -> str | None:
    """Write the letters of a day; give what was in the way."""
    started_at, name = datetime.now(UTC), f"dead_letters/{day:%Y-%m-%d}-letters.jsonl"
    detail: dict[str, object] = {"day": f"{day:%Y-%m-%d}", "uri": store.place.uri(name)}
    rows = size = 0
    problem = None
    try:
        with store.create(name) as file:
            for letter in _letters(database, day, day + timedelta(days=1)):
                rows, size = rows + 1, size + file.write(_line(letter))
        store.finish(name)
    except ArchiveError as error:
        rows, size, problem = 0, 0, str(error)
        detail["problem"] = problem
    with database.transaction() as uow:
        uow.runs.record(TASK, started_at, rows, detail, total_bytes=size, outcome=_outcome(problem))
    return problem


def _letters(database: Database, since: datetime, until: datetime) -> Iterator[DeadLetter]:
    last: DeadLetter | None = None
    while True:
        with database.transaction() as uow:
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


def _note_tick(database: Database, now: datetime, problem: str | None) -> None:
    """Have the tick end as the work did, so that it is told like any other that failed."""
    with database.transaction() as uow:
        uow.ticks.note(TASK, fire_time=now, next_fire_time=None, outcome=_outcome(problem), problem=problem)


def _outcome(problem: str | None) -> Literal["done", "failed"]:
    return "done" if problem is None else "failed"
