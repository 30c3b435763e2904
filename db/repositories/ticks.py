"""When each tick of the timetable was applied last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from db.repositories.runs import Outcome
from db.statement import Driver, Statement
from db.storable import storable

_NOTE: Final = Statement(
    "ticks.note",
    # A late tick takes nothing back, and one that was sent by hand does not know the timetable.
    text(
        """
        INSERT INTO maintenance.ticks AS t (task, fire_time, next_fire_time, outcome, problem, since)
        VALUES (:task, :fire_time, :next_fire_time, :outcome, :problem, :fire_time)
        ON CONFLICT (task) DO UPDATE
           SET fire_time = excluded.fire_time, applied_at = now(), outcome = excluded.outcome,
               problem = excluded.problem, next_fire_time = coalesce(excluded.next_fire_time, t.next_fire_time),
               since = CASE t.outcome WHEN excluded.outcome THEN t.since ELSE excluded.since END
         WHERE t.fire_time <= excluded.fire_time
        """
    ),
)
_EXPECT: Final = Statement(
    "ticks.expect",
    text(
        """
        INSERT INTO maintenance.ticks AS t (task, fire_time, next_fire_time, outcome, since)
        VALUES (:task, :fire_time, :next_fire_time, 'done', :fire_time)
        ON CONFLICT (task) DO UPDATE
           SET fire_time = excluded.fire_time, applied_at = now(),
               next_fire_time = coalesce(excluded.next_fire_time, t.next_fire_time)
         WHERE t.fire_time <= excluded.fire_time
        """
    ),
)
_LATEST: Final = Statement(
    "ticks.latest",
    text(
        "SELECT task, fire_time, next_fire_time, applied_at, outcome, problem"
        " FROM maintenance.ticks ORDER BY applied_at DESC, task"
    ),
)
_FORGET: Final = Statement("ticks.forget", text("DELETE FROM maintenance.ticks WHERE task = :task RETURNING task"))


@dataclass(frozen=True, slots=True)
class LatestTick:
    """The last tick of a task, and when the next is due."""

    task: str
    fire_time: datetime
    next_fire_time: datetime | None
    applied_at: datetime
    outcome: Outcome
    problem: str | None


class Ticks:
    """One row per task, by which a tick that does not come is missed."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def note(
        self,
        task: str,
        *,
        fire_time: datetime,
        next_fire_time: datetime | None,
        outcome: Outcome = "done",
        problem: str | None = None,
    ) -> None:
        """Remember a tick unless a newer one is remembered; a problem says why it waits or failed."""
        _NOTE.run(
            self._driver,
            task=task,
            fire_time=fire_time,
            next_fire_time=next_fire_time,
            outcome=outcome,
            problem=None if problem is None else storable(problem),
        )

    def expect(self, task: str, *, fire_time: datetime, next_fire_time: datetime | None) -> None:
        """Remember the times of a tick whose work goes on elsewhere; how it ends is noted there."""
        _EXPECT.run(self._driver, task=task, fire_time=fire_time, next_fire_time=next_fire_time)

    def latest(self) -> list[LatestTick]:
        """Return the last tick of each task, the newest first."""
        return [LatestTick(*row) for row in _LATEST.run(self._driver)]

    def forget(self, task: str) -> bool:
        """Expect no further tick of a task until one comes; False if none was expected."""
        return _FORGET.run(self._driver, task=task).fetchone() is not None
