"""An entry of a log: what it says, when, and how serious it is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, cast

from .. import levels
from . import prefixes, times

if TYPE_CHECKING:
    from pydantic import JsonValue

    from ..messages.logs import Level

_TIMES: Final = ("time", "timestamp", "@timestamp", "ts", "datetime", "date", "asctime", "t")
_LEVELS: Final = (
    "level",
    "severity",
    "lvl",
    "levelname",
    "log.level",
    "loglevel",
    "@level",
    "log_level",
    "severity_text",
)
_TEXTS: Final = ("msg", "message", "event", "@message", "text", "log", "body")
_DEEPEST: Final = 100

_PAIR: Final = re.compile(r'([A-Za-z_@][\w.@/-]*)=("(?:\\.|[^"\\])*"|[^\s"]*)(?=\s|$)')
_LOGFMT: Final = re.compile(r"[A-Za-z_@][\w.@/-]*=")
_JSON: Final = json.JSONDecoder()

Fields = Mapping[str, "JsonValue"]


@dataclass(frozen=True)
class Entry:
    """What could be read of an entry; what it does not say is None."""

    text: str
    level: "Level | None" = None
    timestamp: datetime | None = None
    metadata: Fields = field(default_factory=dict["str", "JsonValue"])


def read(printed: str, now: datetime) -> Entry:
    """Read an entry as JSON, as logfmt or as plain text; the lines below JSON or logfmt go on with its text."""
    text = prefixes.plain(printed)
    return _json(text, now) or _logfmt(text, now) or _plain(text, now)


def _plain(text: str, now: datetime) -> Entry:
    level, timestamp = prefixes.read(text, now)
    return Entry(text, level, timestamp)


def _json(text: str, now: datetime) -> Entry | None:
    if not text.startswith("{"):
        return None
    try:
        found, end = _JSON.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    beside, _, below = text[end:].partition("\n")
    if beside.strip():
        return None
    fields = cast("dict[str, JsonValue]", found)
    return _with(_notified(fields) or _fielded(fields, text[:end], now), below)


def _with(entry: Entry, below: str) -> Entry:
    return replace(entry, text=f"{entry.text}\n{below}") if below else entry


def _notified(fields: Fields) -> Entry | None:
    """Read what an MCP server tells its client as `notifications/message`."""
    told = fields.get("params")
    if fields.get("method") != "notifications/message" or not isinstance(told, dict):
        return None
    data = told.get("data")
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    metadata = {name: value for name, value in told.items() if name not in {"data", "level"}}
    return Entry(text, _level(told.get("level")), metadata=metadata)


def _logfmt(text: str, now: datetime) -> Entry | None:
    if _LOGFMT.match(text) is None:
        return None
    line, _, below = text.partition("\n")
    fields: dict[str, JsonValue] = {name: _unquoted(value) for name, value in _PAIR.findall(line)}
    if _named(fields, _LEVELS) is None and (_named(fields, _TIMES) is None or _named(fields, _TEXTS) is None):
        return None
    return _with(_fielded(fields, line, now), below)


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return value[1:-1]


def _fielded(fields: Fields, text: str, now: datetime) -> Entry:
    """Take time, level and text out of fields; without a text the whole is the text."""
    time, level, words = _named(fields, _TIMES), _named(fields, _LEVELS), _named(fields, _TEXTS)
    told = None if time is None else times.of_value(fields.get(time), now)
    meant = None if level is None else _level(fields.get(level))
    found = None if words is None else fields[words]
    if not isinstance(found, str):
        return Entry(text, meant, told)
    used = {words, time if told else None, level if meant else None}
    return Entry(found.rstrip("\n"), meant, told, {name: value for name, value in fields.items() if name not in used})


def _named(fields: Fields, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if fields.get(name) not in (None, "")), None)


def _level(value: object) -> "Level | None":
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return levels.of_number(value)
    if isinstance(value, str):
        return levels.of_number(int(value)) if value.isascii() and value.isdecimal() else levels.of_name(value)
    return None
