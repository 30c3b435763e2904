"""``python -m workers logs … --follow``: what instances are printing."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from db.engine import Database
from db.page import Window
from db.repositories.logs import LogRow
from db.unit_of_work import UnitOfWork

from .lines import AHEAD, Question, newest, refuse_unknown

_LATE: Final = timedelta(minutes=10)
"""How much older than the newest line of its instance a line may be and still be followed."""
_PAUSE_SECONDS: Final = 1.0


def follow(
    database: Database, question: Question, tell: Callable[[LogRow], None], wait: Callable[[float], bool]
) -> None:
    """Tell the newest lines and then what comes, until `wait` says that it is enough."""
    refuse_unknown(database, question)
    following = Following(database, question)
    rows, took = following.begin(), 0.0
    while True:
        for row in rows:
            tell(row)
        # So that whoever follows a flood takes a part of the database's time, not all of it.
        if wait(max(_PAUSE_SECONDS, 4 * took)):
            return
        began = time.monotonic()
        rows = following.poll()
        took = time.monotonic() - began


class Following:
    """Gives lines as they are committed, each once, in the order of their times within a look.

    Ids and times are older than the commit, so neither tells what is new: the snapshot of the last look does.
    """

    def __init__(self, database: Database, question: Question) -> None:
        """Begin with nothing seen."""
        self._database = database
        self._question = question
        self._horizon = ""
        self._seen = set[UUID]()
        self._bounds: Mapping[UUID, datetime] = dict.fromkeys(question.instance_ids, question.window.since)

    def begin(self) -> list[LogRow]:
        """Give the newest lines that are there."""
        with self._database.transaction() as uow:
            uow.locks.be_of_one_moment()
            self._horizon = uow.logs.horizon()
            rows = newest(uow, self._question)
            self._look(uow)
        return rows

    def poll(self) -> list[LogRow]:
        """Give the lines that were committed since the last look."""
        with self._database.transaction() as uow:
            uow.locks.be_of_one_moment()
            horizon, seen = uow.logs.horizon(), self._seen
            rows = self._look(uow)
            self._horizon = horizon
        return [row for row in rows if row.id not in seen]

    def _look(self, uow: UnitOfWork) -> list[LogRow]:
        question, now = self._question, datetime.now(UTC)
        window = Window(question.window.since, now + AHEAD)
        rows = uow.logs.arrived(
            self._bounds, window, horizon=self._horizon, levels=question.levels, words=question.words
        )
        self._seen = {row.id for row in rows}
        latest = uow.logs.newest(question.instance_ids, window)
        self._bounds = {each: min(latest.get(each, window.since), now) - _LATE for each in question.instance_ids}
        return rows
