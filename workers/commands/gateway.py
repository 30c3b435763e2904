"""``python -m workers gateway``: what became of the records of the gateway."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final

from db.engine import Database
from db.printable import printable
from db.repositories.gateway import Quarantined

_COLUMNS: Final = f"{'message':<28} {'reason':<20} {'records':>10}  last"


def show_quarantine(database: Database, *, days: int, as_json: bool) -> str:
    """Give a line for each reason for which records could not be stored, the most frequent first."""
    with database.transaction() as uow:
        found = uow.gateway.reasons(since=datetime.now(UTC) - timedelta(days=days))
    if as_json:
        return json.dumps([{**asdict(each), "last_at": each.last_at.isoformat()} for each in found], indent=2)
    if not found:
        return f"No record went into quarantine in the last {days} days."
    return "\n".join([_COLUMNS, *map(_line, found)])


def _line(found: Quarantined) -> str:
    return (
        f"{printable(found.wire_name):<28} {found.reason:<20} {found.records:>10,}  {found.last_at:%Y-%m-%d %H:%M:%S}"
    )
