"""Times as programs print them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_CLOCK: Final = r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
_ZONE: Final = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)\b)?"
# Between the seconds and the half of the day newer runtimes write a narrow blank that does not break.
_HALVES: Final = r"(?P<hour>1[0-2]|0?[1-9]):(?P<minute>\d\d):(?P<second>\d\d)[ \u202f](?P<half>[AP])M\b"
_FORMS: Final = (
    re.compile(rf"(?P<year>\d{{4}})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T _]{_CLOCK}{_ZONE}"),
    re.compile(rf"(?P<day>\d\d)/(?P<name>[A-Z][a-z]{{2}})/(?P<year>\d{{4}})[: ]{_CLOCK}{_ZONE}"),
    re.compile(rf"(?P<month>\d\d)/(?P<day>\d\d)/(?P<short>\d\d) {_CLOCK}"),
    re.compile(rf"(?P<month>\d\d)/(?P<day>\d\d)/(?P<year>\d{{4}}), {_HALVES}"),
    re.compile(rf"(?P<name>[A-Z][a-z]{{2}}) (?P<day>\d\d), (?P<year>\d{{4}}) {_HALVES}"),
    re.compile(rf"(?P<name>[A-Z][a-z]{{2}}) (?P<day>[ \d]\d) {_CLOCK}"),
    re.compile(rf"(?P<month>\d\d)(?P<day>\d\d) {_CLOCK}"),
    re.compile(_CLOCK),
)
_NUMBER: Final = re.compile(r"\d{10,19}(?:\.\d{1,9})?")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# A number of the unit has at least so many digits, since 2001 in nanoseconds and since 1973 in milliseconds.
_UNITS: Final = ((10**17, 1_000), (10**14, 1), (10**11, 10**-3), (0, 10**-6))
_AHEAD: Final = timedelta(hours=1)
"""How far a clock may be ahead of ours; what is later than that was a year or a day ago."""


def at_start(text: str, now: datetime, position: int = 0) -> tuple[datetime, int] | None:
    """Read the time that a text has at a position, and tell where it ends; without a zone it is local."""
    for form in _FORMS:
        found = form.match(text, position)
        if found is not None and (moment := _moment(found, now)) is not None:
            return moment, found.end()
    return None


def of_value(value: object, now: datetime) -> datetime | None:
    """Read the time in a field of JSON: a text, or a number of seconds, milli-, micro- or nanoseconds since 1970."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return of_value(float(value), now)
        found = at_start(value.strip(), now)
        return None if found is None else found[0]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 10**9 <= value < 10**19:
        divisor = next(divisor for least, divisor in _UNITS if value >= least)
        return _tried(lambda: _EPOCH + timedelta(microseconds=value / divisor))
    return None


def _moment(found: "re.Match[str]", now: datetime) -> datetime | None:
    left_out = dict.fromkeys(("name", "short", "year", "month", "day", "half", "fraction", "zone"))
    parts = left_out | found.groupdict()
    return _tried(lambda: _composed(parts, now))


def _composed(parts: dict[str, str | None], now: datetime) -> datetime:
    local = now.astimezone()
    month = _MONTHS.index(parts["name"]) + 1 if parts["name"] else int(parts["month"] or local.month)
    year = int(parts["year"] or 2000 + int(parts["short"] or local.year - 2000))
    naive = datetime(  # noqa: DTZ001  the zone follows
        year,
        month,
        int(parts["day"] or local.day),
        _hour(parts),
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
        int((parts["fraction"] or "0")[:6].ljust(6, "0")),
    )
    zone = parts["zone"]
    if zone is None:
        return _nearest(naive.astimezone(), parts, now).astimezone(UTC)
    text = "+0000" if zone in {"Z", "UTC", "GMT"} else zone.replace(":", "")
    return datetime.strptime(f"{naive.isoformat()}{text}", _format(naive)).astimezone(UTC)


def _hour(parts: dict[str, str | None]) -> int:
    hour = int(parts["hour"] or 0)
    if parts["half"] is None:
        return hour
    return hour % 12 + (12 if parts["half"] == "P" else 0)


def _format(naive: datetime) -> str:
    return "%Y-%m-%dT%H:%M:%S.%f%z" if naive.microsecond else "%Y-%m-%dT%H:%M:%S%z"


def _nearest(moment: datetime, parts: dict[str, str | None], now: datetime) -> datetime:
    """Choose the year or the day that was left out."""
    if not parts["day"] and moment - now > _AHEAD:
        return moment - timedelta(days=1)
    if not parts["year"] and not parts["short"] and moment - now > _AHEAD:
        return moment.replace(year=moment.year - 1)
    return moment


def _tried(make: Callable[[], datetime]) -> datetime | None:
    try:
        return make()
    except (ValueError, OverflowError):
        return None
