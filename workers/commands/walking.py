"""A walk back in time through the lines of instances: many short statements, however much there is to look at."""

import time
from bisect import insort
from collections.abc import Iterator
from typing import Final
from uuid import UUID

from db.engine import Database
from db.errors import DatabaseError
from db.looking import LogRow, Look, Wanted
from db.page import Mark, Window

LEAST: Final = 500
MOST: Final = 20_000
"""So many lines are looked at in a statement; of more PostgreSQL begins to compile what runs for milliseconds."""

_BRISK_SECONDS: Final = 0.25
_TIMED_OUT: Final = "57014"


class Pace:
    """How many lines the next statement looks at: more while that is quick, less when the disk is slow."""

    def __init__(self) -> None:
        """Begin with few, for most who ask want the newest."""
        self.lines = 2 * LEAST

    def note(self, seconds: float) -> None:
        """Learn how long the last look took."""
        if seconds < _BRISK_SECONDS:
            self.lines = min(2 * self.lines, MOST)
        elif seconds > 4 * _BRISK_SECONDS:
            self.lines = max(self.lines // 4, LEAST)

    def give_way(self, error: DatabaseError) -> None:
        """Try less at once if a look took too long; raise the error if it was another or nothing is left to try."""
        if error.sqlstate != _TIMED_OUT:
            raise error
        if self.lines == LEAST:
            raise TooSlow from None
        self.lines = max(self.lines // 16, LEAST)


class TooSlow(DatabaseError):
    """PostgreSQL cannot read even a few lines in time."""

    def __init__(self) -> None:
        """Say what to do."""
        sentence = (
            f"PostgreSQL did not read {LEAST} lines in the time that a statement has: look whether it is overloaded or"
            " its disk is slow, and ask again"
        )
        super().__init__(sentence, sqlstate=_TIMED_OUT)


class Walk:
    """Gives what is wanted of several instances, the newest first, as it is found.

    Each look is a transaction of its own, so nothing is held back in the database however long the walk is.
    """

    def __init__(
        self, database: Database, instance_ids: tuple[UUID, ...], window: Window, wanted: Wanted, *, limit: int
    ) -> None:
        """Begin at the end of the window."""
        self._database = database
        self._window = window
        self._wanted = wanted
        self._limit = limit
        self._places = dict.fromkeys(instance_ids, window.end)
        self._found: list[LogRow] = []
        self._pace = Pace()
        self.lines = 0
        """So many lines were looked at."""

    @property
    def edge(self) -> Mark | None:
        """Where the walk has come to: all that is newer was given.  None at its end."""
        return max(self._places.values(), default=None)

    def begin_before(self, mark: Mark) -> None:
        """Go on where another walk ended."""
        self._places = {each: min(place, mark) for each, place in self._places.items()}

    def __iter__(self) -> Iterator[list[LogRow]]:
        """Give what each look found, which may be nothing."""
        while (edge := self.edge) is not None:
            # The instance that was followed back the least: only beyond its place may something be missing.
            instance_id = next(each for each, place in self._places.items() if place == edge)
            self._take(instance_id, self._look(instance_id, edge))
            yield list(self._certain())

    def _look(self, instance_id: UUID, place: Mark) -> Look:
        while True:
            began = time.monotonic()
            try:
                with self._database.transaction() as uow:
                    uow.logs.read_in_order()
                    look = uow.logs.look(
                        instance_id,
                        self._window,
                        self._wanted,
                        before=place,
                        limit=self._limit,
                        lines=self._pace.lines,
                    )
            except DatabaseError as error:
                self._pace.give_way(error)
            else:
                self._pace.note(time.monotonic() - began)
                return look

    def _take(self, instance_id: UUID, look: Look) -> None:
        self.lines += look.lines
        for row in look.rows:
            insort(self._found, row, key=lambda each: each.mark)
        if look.end is None:
            del self._places[instance_id]
        else:
            self._places[instance_id] = look.end

    def _certain(self) -> Iterator[LogRow]:
        """Take out what nothing can come before any more."""
        edge = self.edge
        while self._found and (edge is None or self._found[-1].mark >= edge):
            yield self._found.pop()
