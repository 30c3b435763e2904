"""What operators change of the timetable without changing the code."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from . import cron
from .errors import TimetableRefused
from .timetable import Entry

OFF: Final = "off"


def overridden(timetable: Sequence[Entry], toml: str | None) -> tuple[Entry, ...]:
    """Give the timetable with the times of a text such as ``rotate-keys = "0 3 * * *"``, and without those set off."""
    times = {} if toml is None else _times(toml)
    unknown = sorted(times.keys() - {entry.name for entry in timetable})
    if unknown:
        known = ", ".join(entry.name for entry in timetable)
        raise TimetableRefused(f"TIMETABLE names {', '.join(unknown)}, which no tick is called: there are {known}.")
    changed = (_changed(entry, times.get(entry.name)) for entry in timetable)
    return tuple(entry for entry in changed if entry is not None)


def _changed(entry: Entry, time: str | None) -> Entry | None:
    if time is None:
        return entry
    if time == OFF:
        return None
    try:
        return replace(entry, trigger=cron.parsed(time))
    except TimetableRefused as error:
        raise TimetableRefused(f"TIMETABLE, {entry.name}: {error}") from error


def _times(toml: str) -> Mapping[str, str]:
    try:
        held = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise TimetableRefused(f"TIMETABLE is not TOML: {error}.") from error
    for name, time in held.items():
        if not isinstance(time, str):
            raise TimetableRefused(f'TIMETABLE, {name}: write a cron expression in quotes, or "{OFF}".')
    return held
