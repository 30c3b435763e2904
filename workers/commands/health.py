"""``python -m workers health``: how everything does that is checked, when it is checked next, and why then."""

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from db.engine import Database
from db.repositories.verdicts import Verdict

from .dead_letters import CommandError, plain

KINDS: Final = ("instance", "process", "service", "server")

_PATIENCE_SECONDS: Final = 45.0
_PAUSE_SECONDS: Final = 0.2
_COLUMNS: Final = f"{'kind':<9} {'target':<36} {'verdict':<14} {'failed':>6} {'24 h':>7} {'ms':>7}  next check"


def show_list(database: Database, *, kind: str | None, failing: bool, limit: int, as_json: bool) -> str:
    """Give a line for each target, or only for those in trouble."""
    with database.transaction() as uow:
        found = uow.verdicts.page(kind=kind, failing=failing, limit=limit)
        probers = uow.verdicts.probers()
    if as_json:
        told = {"targets": [_row(each) for each in found], "probers": [_plain(asdict(each)) for each in probers]}
        return json.dumps(told, indent=2)
    if not found:
        return "No target fails." if failing else "Nothing is checked."
    lines = [_COLUMNS, *(_line(each) for each in found)]
    return "\n".join(lines if probers else [*lines, "", _NOBODY])


def show(database: Database, name: str, *, as_json: bool) -> str:
    """Give everything that is known of one target."""
    return _told(_found(database, name), as_json=as_json)


def check(database: Database, name: str, *, as_json: bool, patience: float = _PATIENCE_SECONDS) -> str:
    """Have a target checked by whoever checks it, and give what was found."""
    before = _found(database, name)
    with database.transaction() as uow:
        if not uow.verdicts.probers():
            raise CommandError(_NOBODY)
        asked_at = uow.targets.ask(before.id)
    if asked_at is None:
        message = f"{before.kind} {before.name} is not checked: it does not run, or was taken out of service"
        raise CommandError(message)
    return _told(_later(database, before, patience), as_json=as_json)


def acknowledge(database: Database, name: str) -> str:
    """Note that somebody takes care of a target that fails."""
    target = _found(database, name)
    with database.transaction() as uow:
        if not uow.alerts.acknowledge(target.id):
            message = f"{target.kind} {target.name} has no open alert that nobody has acknowledged yet"
            raise CommandError(message)
    return f"the alert of {target.kind} {target.name} is acknowledged"


def why(target: Verdict) -> str:
    """Say in a sentence why the next check is when it is."""
    if target.next_check_at is None:
        return "not checked: it does not run, or was taken out of service"
    return _WHY[target.next_check_reason](target)


_NOBODY: Final = "nobody checks anything now: start `python -m workers`, for the queue health at least"
_WHY: Final[dict[str, Callable[[Verdict], str]]] = {
    "new": lambda _: "it begins to be checked",
    "regular": lambda target: f"it is checked every {target.interval_seconds} s at least",
    "asked": lambda _: "somebody asked for it",
    "back_off": lambda target: (
        f"it failed {target.consecutive_failures} times in a row, and each further failure doubles the wait"
        f" (try {target.tries})"
    ),
    "half_open": lambda target: (
        f"it answers again: {target.recovery_threshold - target.consecutive_successes} more in a row and it is back"
    ),
}


def _found(database: Database, name: str) -> Verdict:
    with database.transaction() as uow:
        target_id = uow.verdicts.named(name)
        target = None if target_id is None else uow.verdicts.get(target_id)
    if target is None:
        message = f"nothing called {name!r} is checked: see `python -m workers health list`"
        raise CommandError(message)
    return target


def _later(database: Database, before: Verdict, patience: float) -> Verdict:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with database.transaction() as uow:
            now = uow.verdicts.get(before.id)
        if now is not None and now.checked_at != before.checked_at:
            return now
        time.sleep(_PAUSE_SECONDS)
    message = f"{before.kind} {before.name} was not checked within {patience:.0f} s: see the logs of the workers"
    raise CommandError(message)


def _told(target: Verdict, *, as_json: bool) -> str:
    row = _row(target)
    if as_json:
        return json.dumps(row, indent=2)
    return "\n".join(f"{key.replace('_', ' '):<21} {value}" for key, value in row.items() if value is not None)


def _line(target: Verdict) -> str:
    uptime = "" if target.uptime_24h is None else f"{target.uptime_24h:.2f}%"
    took = "" if target.response_ms is None else f"{target.response_ms:.0f}"
    return (
        f"{target.kind:<9} {target.name:<36} {target.verdict or 'not yet':<14} {target.consecutive_failures:>6}"
        f" {uptime:>7} {took:>7}  {_when(target)}{why(target)}"
    )


def _when(target: Verdict) -> str:
    if target.next_check_at is None:
        return ""
    seconds = (target.next_check_at - datetime.now(UTC)).total_seconds()
    return f"in {seconds:.0f} s, for " if seconds >= 1 else "now, for "


def _row(target: Verdict) -> dict[str, object]:
    return {**_plain(asdict(target)), "next_check_why": why(target)}


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {key: plain(value) for key, value in row.items()}
