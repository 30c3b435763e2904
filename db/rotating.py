"""From one master key to another while traffic goes on: data keys are wrapped anew, in small steps.

What is done is seen in the rows themselves, so a rotation that was interrupted, however, goes on where it was.
"""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from db.encryption import active_key
from db.engine import Database
from db.errors import KeyInUse, KeyRefused, ReferenceMissing
from db.master_keys import MasterKeys
from db.repositories.rotation import KeyStatus
from db.rewrapping import PAGE, Page, Turn, pages
from db.unit_of_work import UnitOfWork

Report = Callable[[str], None]

TASK: Final = "rotate-keys"
PER_TICK: Final = 5 * PAGE
"""Secrets that one tick wraps, all in its transaction: a fraction of a second."""

MOST_READ: Final = 10 * PER_TICK
"""Secrets that one tick looks at: those that cannot be unwrapped shall not keep it from the others."""

PER_RUN: Final = 10 * PAGE
"""Secrets after which the command writes down how far it is."""


@dataclass(slots=True)
class Rotated:
    """What was wrapped under the active key, and by name how many rows are left under others."""

    key_id: str
    read: int = 0
    wrapped: int = 0
    unreadable: int = 0
    left: dict[str, int] = field(default_factory=dict)

    def add(self, page: Page) -> None:
        """Count a page."""
        self.read += page.read
        self.wrapped += page.wrapped
        self.unreadable += page.unreadable

    def facts(self) -> dict[str, object]:
        """Give it for programs."""
        return {"to": self.key_id, "wrapped": self.wrapped, "unreadable": self.unreadable, "left": self.left}

    def sentence(self) -> str:
        """Give it for people."""
        left = ", ".join(f"{count} under {name}" for name, count in self.left.items()) or "none under another"
        broken = f"; {self.unreadable} cannot be unwrapped and stay as they are" if self.unreadable else ""
        return f"{self.wrapped} secrets wrapped under {self.key_id}, {left}{broken}."


def rotate_some(uow: UnitOfWork, keys: MasterKeys, *, started_at: datetime) -> None:
    """Wrap some secrets under the active key within one transaction, and write down what is left."""
    if not uow.keys.registered():
        return
    try:
        done, turns = _turns(uow, keys)
    except KeyRefused as refused:
        # The tick comes again; meanwhile the run tells people what is in the way.
        _tell(uow, started_at, 0, {"waits": refused.sentence})
        return
    for page in pages(lambda: nullcontext(uow), turns):
        done.add(page)
        if done.wrapped >= PER_TICK or done.read >= MOST_READ:
            break
    if done.read:
        _note(uow, done, started_at)


def activate(database: Database, keys: MasterKeys, key_id: str) -> None:
    """Have new secrets encrypted under a key that this process has; the former one is only read with from then on."""
    if key_id not in keys.check_values():
        raise KeyRefused(f"MASTER_KEYS does not hold {key_id}: add it, here and in the settings of every worker.")
    with database.transaction() as uow:
        active_key(keys, uow)
        uow.rotation.stand_down(key_id)
        if not uow.rotation.activate(key_id):
            raise KeyRefused(f"The master key {key_id} was retired: take a new one, under a new name.")


def rotate(database: Database, keys: MasterKeys, *, report: Report = lambda _: None) -> Rotated:
    """Wrap everything under the active key, page by page; run it again to go on after an interruption."""
    total = _pass(database, keys, report)
    last = total
    # What was in use, or stored under the former key at the last moment, is met by another pass.
    while last.wrapped:
        last = _pass(database, keys, report)
        total = Rotated(last.key_id, total.read, total.wrapped + last.wrapped, last.unreadable, last.left)
    return total


def retire(database: Database, key_id: str) -> None:
    """Retire a key that nothing is under any more; KeyInUse says what still is."""
    key = _status(database, key_id)
    if key.status == "retired":
        return
    try:
        with database.transaction() as uow:
            was_retired = uow.rotation.retire(key_id)
    except ReferenceMissing:
        under = _status(database, key_id)
        raise KeyInUse(
            f"{under.keys} keys, {under.archived_keys} archived keys and {under.shares} shares "
            f"are still under {key_id}: run `python -m db keys rotate` first."
        ) from None
    if not was_retired:
        raise KeyInUse(f"{key_id} is the active key: run `python -m db keys rotate --to NAME` with another first.")


def _pass(database: Database, keys: MasterKeys, report: Report) -> Rotated:
    """Go once through all that is not under the active key."""
    with database.transaction() as uow:
        total, turns = _turns(uow, keys)
    run, started_at = Rotated(total.key_id), datetime.now(UTC)
    for page in pages(database.transaction, turns):
        total.add(page)
        run.add(page)
        if run.read >= PER_RUN:
            with database.transaction() as uow:
                left = _note(uow, run, started_at)
            report(f"{total.wrapped} wrapped under {total.key_id} in this pass, {sum(left.values())} left")
            run, started_at = Rotated(total.key_id), datetime.now(UTC)
    with database.transaction() as uow:
        total.left = _note(uow, run, started_at)
    return total


def _turns(uow: UnitOfWork, keys: MasterKeys) -> tuple[Rotated, list[Turn]]:
    """Name the active key, and the turns from every other one to it."""
    new = active_key(keys, uow)
    others = [key.key_id for key in uow.keys.registered() if key.key_id != new]
    return Rotated(new), [Turn(keys, old, new) for old in others]


def _note(uow: UnitOfWork, done: Rotated, started_at: datetime) -> dict[str, int]:
    """Write down what was done and what is left."""
    statuses = uow.rotation.status()
    done.left = {key.key_id: key.total for key in statuses if key.key_id != done.key_id and key.total}
    if done.read:
        _tell(uow, started_at, done.wrapped, done.facts())
    return done.left


def _tell(uow: UnitOfWork, started_at: datetime, affected: int, detail: Mapping[str, object]) -> None:
    """Write down a run, unless nothing was done and that is what the last one says."""
    last = next(iter(uow.runs.latest(task=TASK, limit=1)), None)
    if affected or last is None or dict(last.detail) != detail:
        uow.runs.record(TASK, started_at, affected, detail)


def _status(database: Database, key_id: str) -> KeyStatus:
    with database.transaction() as uow:
        found = next((key for key in uow.rotation.status() if key.key_id == key_id), None)
    if found is None:
        raise KeyRefused(f"No master key {key_id} is registered: see `python -m db keys status`.")
    return found
