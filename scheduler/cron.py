"""Times as cron writes them, always in UTC."""

from datetime import UTC, datetime
from typing import Final

from apscheduler.triggers.cron import CronTrigger

from .errors import TimetableRefused

_FIELDS: Final = ("second", "minute", "hour", "day", "month", "day_of_week")


def parsed(cron: str) -> CronTrigger:
    """Give the times of five fields as cron has them, or of six that begin with the second."""
    fields = cron.split()
    if len(fields) == len(_FIELDS) - 1:
        fields = ["0", *fields]
    if len(fields) != len(_FIELDS):
        raise TimetableRefused(f'"{cron}" is no cron expression: write minute, hour, day, month and day of the week.')
    # Sunday is 0 for cron and Monday is 0 for APScheduler: a number would be a day late without anybody noticing.
    if any(character.isdigit() for character in fields[-1]):
        raise TimetableRefused(f'The day of the week in "{cron}" is a number: write mon, tue, … sun.')
    try:
        trigger = CronTrigger(timezone=UTC, **dict(zip(_FIELDS, fields, strict=True)))
    except ValueError as error:
        raise TimetableRefused(f'"{cron}" is no cron expression: {error}.') from error
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise TimetableRefused(f'"{cron}" never comes: there is no such day.')
    return trigger


def written(trigger: CronTrigger) -> str:
    """Give the six fields of a trigger."""
    fields = {field.name: str(field) for field in trigger.fields}
    return " ".join(fields[name] for name in _FIELDS)
