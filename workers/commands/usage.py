"""``python -m workers usage``: requests, calls of shared services and samples, as they were counted."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Final

from db.engine import Database
from db.page import Window
from db.printable import printable
from db.repositories.counts import Counted, Kind
from db.repositories.rollups import Unit
from db.storable import storable

from .dead_letters import CommandError, plain
from .lines import MOST, count
from .moments import moment, window

_UNITS: Final[dict[Unit, timedelta]] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
_SPANS: Final[dict[Unit, timedelta]] = {"hour": timedelta(days=1), "day": timedelta(days=14)}
_TIMES: Final[dict[Unit, str]] = {"hour": "%Y-%m-%d %H:00", "day": "%Y-%m-%d"}
_NOBODY: Final = "-"
_DECIMALS: Final = 3
_SUBJECTS: Final[dict[Kind, tuple[str, str]]] = {
    "requests": ("server", "what callers asked the gateway for, by tenant and server"),
    "calls": ("service", "calls of shared services"),
    "samples": ("server", "what servers told of themselves"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to see counted."""

    kind: Kind
    unit: Unit
    window: Window
    subject: str | None = None
    tenant_id: str | None = None
    limit: int = 100


def add(parser: argparse.ArgumentParser) -> None:
    """Declare what may be asked."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="WHAT")
    for kind, (subject, explanation) in _SUBJECTS.items():
        action = actions.add_parser(kind, help=explanation)
        action.add_argument(f"--{subject}", dest="subject", type=storable, metavar="ID", help=f"of this {subject} only")
        if kind == "requests":
            action.add_argument("--tenant", type=storable, metavar="ID", help="of this tenant only")
        action.add_argument("--by", choices=tuple(_UNITS), default="day", help="hours or days, both of UTC")
        action.add_argument("--since", type=moment, help="2h, 7d ago, or a date in UTC; a day of hours, 14 days")
        action.add_argument("--until", type=moment, help="the same; up to now if left out")
        action.add_argument("--limit", type=count(MOST), default=100, help=f"rows, at most {MOST:,}; 100 if left out")
        action.add_argument("--json", action="store_true", help="a JSON object on each line")


def question(options: argparse.Namespace) -> Question:
    """Read what is asked for: the hour or day that `since` is in belongs to it."""
    unit: Unit = options.by
    now = datetime.now(UTC)
    since = _beginning(options.since or (options.until or now) - _SPANS[unit], unit)
    asked = window(since, options.until, otherwise=now)
    return Question(options.action, unit, asked, options.subject, getattr(options, "tenant", None), options.limit)


def show(database: Database, question: Question, *, as_json: bool, hint: Callable[[str], None]) -> str:
    """Give a line for each hour or day and subject, the oldest first; say what is older and what is not counted yet."""
    with database.transaction() as uow:
        found = uow.counts.page(
            question.kind,
            question.window,
            unit=question.unit,
            subject=question.subject,
            tenant_id=question.tenant_id,
            limit=question.limit + 1,
        )
        waiting = uow.counts.waiting(question.kind, question.window)
        known = bool(found) or uow.counts.known(question.kind, subject=question.subject, tenant_id=question.tenant_id)
    rows = _whole(found, question)
    if waiting:
        hint(f"{waiting} of these hours still to be counted, by a tick: `python -m db ticks list` says when")
    if len(rows) < len(found):
        hint(f"older ones: --until {rows[-1].starts_at.astimezone(UTC):%Y-%m-%dT%H:%M}")
    if not known and (named := _named(question)):
        hint(f"nothing was ever counted for {named}: look for a typing error")
    if as_json and not rows:
        hint(_nothing(question.window))
    rows.sort(key=lambda each: (each.starts_at, each.tenant_id or "", each.subject))
    return "\n".join(map(_as_json, rows)) if as_json else _table(rows, question)


def _beginning(at: datetime, unit: Unit) -> datetime:
    at = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return at if unit == "hour" else at.replace(hour=0)


def _whole(found: Sequence[Counted], question: Question) -> list[Counted]:
    """Leave out the oldest hour or day if it is not all there, so that the next page begins with it."""
    if len(found) <= question.limit:
        return list(found)
    cut = found[-1].starts_at
    rows = list(takewhile(lambda each: each.starts_at != cut, found))
    if not rows:
        message = f"one {question.unit} alone has more than {question.limit:,} rows: raise --limit, or ask for one only"
        raise CommandError(message)
    return rows


def _table(rows: Sequence[Counted], question: Question) -> str:
    if not rows:
        return _nothing(question.window)
    head = ["since (UTC)", "tenant", _SUBJECTS[question.kind][0], question.kind, "errors", "%"]
    cells = [[*head, "mean ms", "p50", "p95", "p99"], *(_cells(each, question.unit) for each in rows)]
    entries, errors = sum(each.entries for each in rows), sum(each.errors for each in rows)
    cells.append(["together", "", "", f"{entries:,}", f"{errors:,}", _share(errors, entries), "", "", "", ""])
    if question.kind != "requests":
        cells = [[*row[:1], *row[2:]] for row in cells]
    texts = len(cells[0]) - 7
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths, texts) for row in cells)


def _named(question: Question) -> str:
    names = ((_SUBJECTS[question.kind][0], question.subject), ("tenant", question.tenant_id))
    return " and ".join(f"{what} {printable(name)!r}" for what, name in names if name is not None)


def _nothing(window: Window) -> str:
    return f"Nothing was counted from {window.since:%Y-%m-%d %H:%M} to {window.until:%Y-%m-%d %H:%M} (UTC)."


def _line(row: Sequence[str], widths: Sequence[int], texts: int) -> str:
    placed = [f"{cell:<{width}}" for cell, width in zip(row[:texts], widths, strict=False)]
    placed += [f"{cell:>{width}}" for cell, width in zip(row[texts:], widths[texts:], strict=True)]
    return "  ".join(placed).rstrip()


def _cells(row: Counted, unit: Unit) -> list[str]:
    durations = [_NOBODY if ms is None else f"{ms:,.1f}" for ms in (row.avg_ms, row.p50_ms, row.p95_ms, row.p99_ms)]
    names = [printable(name) or _NOBODY for name in (row.tenant_id or "", row.subject)]
    counts = [f"{row.entries:,}", f"{row.errors:,}", _share(row.errors, row.entries)]
    return [f"{row.starts_at.astimezone(UTC):{_TIMES[unit]}}", *names, *counts, *durations]


def _share(errors: int, entries: int) -> str:
    return f"{100 * errors / entries:.2f}"


def _as_json(row: Counted) -> str:
    return json.dumps({key: _told(value) for key, value in asdict(row).items()})


def _told(value: object) -> object:
    """Give a value as programs read it: nobody's name is null, and a figure has thousandths."""
    if isinstance(value, float):
        return round(value, _DECIMALS)
    return None if value == "" else plain(value)
