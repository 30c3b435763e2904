"""``python -m workers logs … --follow``: what instances are printing."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from db.engine import Database
from db.looking import Arrivals, LogRow
from db.page import Window
from db.unit_of_work import UnitOfWork

from .lines import AHEAD, Question, newest, wanted

LINES: Final = 10_000
"""So many lines are looked at in a statement."""

_LATE: Final = timedelta(minutes=10)
"""How much older than the newest line of its instance a line may be and still be followed."""
_PAUSE_SECONDS: Final = 1.0
_NUMBERS: Final = 2**32
"""Transactions of a row are numbered up to here, and then from the beginning."""


def follow(
    database: Database, question: Question, tell: Callable[[LogRow], None], wait: Callable[[float], bool]
) -> None:
    """Tell the newest lines and then what comes, until `wait` says that it is enough."""
    following = Following(database, question)
    rows, took = following.begin(lambda: wait(0)), 0.0
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

    Ids and times are older than the commit, so neither tells what is new: the transactions do that were seen before.
    """

    def __init__(self, database: Database, question: Question) -> None:
        """Begin with nothing seen."""
        self._database = database
        self._question = question
        self._wanted = wanted(database, question)
        self._horizon: str | None = None
        self._followed = {each: _Followed(question.window.since) for each in question.instance_ids}
        self._told = frozenset[UUID]()

    def begin(self, enough: Callable[[], bool] = lambda: False) -> list[LogRow]:
        """Give the newest lines that are there, the oldest of them first."""
        self._look()
        rows = newest(self._database, self._question, self._wanted, enough)
        # What came between the look and these is new to the next look too.
        self._told = frozenset(row.id for row in rows)
        return rows

    def poll(self) -> list[LogRow]:
        """Give the lines that were committed since the last look."""
        told, self._told = self._told, frozenset()
        return [row for row in self._look() if row.id not in told]

    def _look(self) -> list[LogRow]:
        now = datetime.now(UTC)
        window = Window(self._question.window.since, now + AHEAD)
        with self._database.transaction() as uow:
            uow.locks.be_of_one_moment()
            uow.logs.read_in_order()
            horizon, latest = uow.logs.horizon(), uow.logs.newest(self._question.instance_ids, window)
            bounds = {each: min(at, now) - _LATE for each, at in latest.items()}
            if self._horizon is None:
                self._go_on(horizon, bounds)
            rows = [row for each in self._followed for row in self._arrived(uow, each, window.until)]
        self._go_on(horizon, bounds)
        return sorted(rows, key=lambda row: row.mark)

    def _arrived(self, uow: UnitOfWork, instance_id: UUID, until: datetime) -> Iterator[LogRow]:
        followed = self._followed[instance_id]
        # What this look finds is left out from the next on: a transaction may have lines on several pages.
        seen, after = followed.seen.copy(), None
        while True:
            found = uow.logs.arrived(
                instance_id,
                Window(followed.bound, until),
                self._wanted,
                horizon=self._horizon or "",
                seen=seen,
                after=after,
                lines=LINES,
            )
            followed.note(found)
            yield from found.rows
            after = found.end
            if after is None:
                return

    def _go_on(self, horizon: str, bounds: dict[UUID, datetime]) -> None:
        self._horizon = horizon
        for instance_id, followed in self._followed.items():
            followed.forget(int(horizon) % _NUMBERS, bounds.get(instance_id, followed.bound))


class _Followed:
    """Of one instance: from when on lines are looked at, and which transactions they were seen of."""

    def __init__(self, since: datetime) -> None:
        self.bound = since
        self.seen: dict[int, datetime] = {}

    def note(self, found: Arrivals) -> None:
        for transaction, at in found.transactions.items():
            self.seen[transaction] = max(at, self.seen.get(transaction, at))

    def forget(self, horizon: int, bound: datetime) -> None:
        """Keep no transaction that every snapshot sees or whose lines are not looked at any more."""
        self.bound = max(self.bound, bound)
        self.seen = {
            transaction: at
            for transaction, at in self.seen.items()
            if at >= self.bound and (transaction - horizon) % _NUMBERS < _NUMBERS // 2
        }
