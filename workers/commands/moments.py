"""Moments as people type them: ``2h`` for two hours ago, or a date, with a time or without."""

import argparse
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from db.page import Window

from .dead_letters import CommandError

_AGO: Final = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def moment(text: str) -> datetime:
    """Read a moment; one without an offset is in UTC."""
    found = _ago(text.strip()) or _date(text.strip())
    if found is None or not _EARLIEST <= found <= _LATEST:
        message = f"{text!r} is no moment: write 30m, 2h or 7d for so long ago, or a date such as 2026-11-01T10:00"
        raise argparse.ArgumentTypeError(message)
    return found


def window(since: datetime, until: datetime | None, *, otherwise: datetime) -> Window:
    """Give the time that is asked about, which ends `otherwise` if nobody said when; refuse one that is none."""
    end = until or otherwise
    if since < end:
        return Window(since, end)
    if until is None:
        message = f"--since {since:%Y-%m-%d %H:%M:%S} (UTC) is still to come"
    else:
        message = f"--since {since:%Y-%m-%d %H:%M:%S} is not before --until {until:%Y-%m-%d %H:%M:%S} (UTC)"
    raise CommandError(message)


def _ago(text: str) -> datetime | None:
    match = _AGO.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime.now(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        return None


def _date(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
