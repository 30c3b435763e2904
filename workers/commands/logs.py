"""``python -m workers logs``: what became of the lines that instances printed."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from db.engine import Database
from db.repositories.logs import Quarantined

_COLUMNS: Final = f"{'reason':<20} {'lines':>10} {'instances':>10}  last"


def show_quarantine(database: Database, *, days: int, as_json: bool) -> str:
    """Give a line for each reason for which lines could not be stored, the most frequent first."""
    with database.transaction() as uow:
        found = uow.logs.reasons(since=datetime.now(UTC) - timedelta(days=days))
    if as_json:
        return json.dumps([{**asdict(each), "last_at": each.last_at.isoformat()} for each in found], indent=2)
    if not found:
        return f"No line went into quarantine in the last {days} days."
    return "\n".join([_COLUMNS, *map(_line, found)])


def _line(found: Quarantined) -> str:
    return f"{found.reason:<20} {found.lines:>10,} {found.instances:>10,}  {found.last_at:%Y-%m-%d %H:%M:%S}"
