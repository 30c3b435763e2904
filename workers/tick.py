"""How the actor of a tick is written: what it did, or what was in its way, is written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

from db.errors import Conflict, DatabaseError, DatabaseUnavailable, PartitionMissing, PortsMissing
from db.repositories.runs import Outcome
from db.unit_of_work import UnitOfWork
from producers import Tick

from .actor import Actor
from .redaction import redacted_text

T = TypeVar("T", bound=Tick)

_LOCK_TIMEOUT: Final = "55P03"


@dataclass(frozen=True, slots=True)
class Done:
    """What a task did, for the history; with a problem, what kept it from doing more."""

    affected: int = 0
    detail: Mapping[str, object] = field(default_factory=dict)
    bytes: int = 0
    outcome: Outcome = "done"
    problem: str | None = None
    goes_on: bool = False
    """Whether others go on with the work, who note how it ends."""

    @property
    def is_worth_telling(self) -> bool:
        """Whether there is anything that the history should have."""
        return self.affected > 0 or self.outcome != "done"


Work = Callable[[UnitOfWork], Done | None]


def tick_actor(task: str, contract: type[T]) -> Callable[[Callable[[T, UnitOfWork], Done | None]], Actor[T, T]]:
    """Make a function the actor of a tick, under the name that the timetable has for it."""
    return lambda work: Actor(contract, lambda message, uow: tell(task, message, uow, partial(work, message)))


def tell(task: str, message: Tick, uow: UnitOfWork, work: Work) -> None:
    """Do the work of a tick and write down how it ended.

    What PostgreSQL refuses is undone and told, and the next tick tries again: a tick is no message
    that could be lost.
    """
    started_at = datetime.now(UTC)
    done = attempted(work, uow)
    if done.goes_on:
        uow.ticks.expect(task, fire_time=message.fire_time, next_fire_time=message.next_fire_time)
        return
    problem = None if done.outcome == "done" else done.problem or done.outcome
    uow.ticks.note(
        task,
        fire_time=message.fire_time,
        next_fire_time=message.next_fire_time,
        outcome=done.outcome,
        problem=problem,
    )
    if done.is_worth_telling:
        detail = done.detail if problem is None else {**done.detail, "problem": problem}
        uow.runs.record(task, started_at, done.affected, detail, total_bytes=done.bytes, outcome=done.outcome)


def attempted(work: Work, uow: UnitOfWork) -> Done:
    """Do work of which nothing stays when PostgreSQL refuses a part; say how it ended."""
    try:
        with uow.savepoint():
            return work(uow) or Done()
    except DatabaseError as error:
        outcome = _outcome(error)
        if outcome is None:
            raise
        return Done(outcome=outcome, problem=redacted_text(error.sentence))


def _outcome(error: DatabaseError) -> Outcome | None:
    """Say how the tick ends, or nothing when the transaction is to be tried again."""
    if isinstance(error, Conflict):
        return "waits" if error.sqlstate == _LOCK_TIMEOUT else None
    return None if isinstance(error, DatabaseUnavailable | PartitionMissing | PortsMissing) else "failed"
