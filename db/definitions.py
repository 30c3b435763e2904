"""What a file says of a shared service, and which of several definitions of one service counts."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

_VERSION: Final = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?", re.IGNORECASE)
_LONGEST_NUMBER: Final = 18


@dataclass(frozen=True, slots=True)
class Definition:
    """A service as a file defines it; `source` says where, `notes` what of it could not be kept."""

    source: str
    service_type: str
    name: str
    display_name: str
    description: str | None = None
    icon_url: str | None = None
    category: str | None = None
    port: int | None = None
    base_url: str | None = None
    health_check_endpoint: str = "/health"
    auth_type: str = "api_key"
    service_config: Mapping[str, object] = field(default_factory=dict)
    is_available: bool = True
    version: str = ""
    is_latest: bool = False
    is_withdrawn: bool = False
    published_at: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that is not imported, and why."""

    source: str
    reason: str


def newest(found: Iterable[Definition | Skipped]) -> list[Definition | Skipped]:
    """Keep one definition of each name, the newest version, and of two names for one type the first."""
    kept: dict[str, Definition] = {}
    rest: list[Definition | Skipped] = []
    for each in found:
        if isinstance(each, Skipped):
            rest.append(each)
            continue
        rival = kept.get(each.name)
        if rival is None:
            kept[each.name] = each
            continue
        older, newer = (each, rival) if _order(each) < _order(rival) else (rival, each)
        kept[each.name] = newer
        is_back = older.is_withdrawn and not newer.is_withdrawn
        why = "withdrawn here and still there" if is_back else "defined again, newer or later,"
        rest.append(Skipped(older.source, f"{older.name} is {why} at {newer.source}"))
    return rest + _one_of_each_type(kept.values())


def _one_of_each_type(kept: Iterable[Definition]) -> list[Definition | Skipped]:
    taken: dict[str, Definition] = {}
    rest: list[Definition | Skipped] = []
    for each in kept:
        first = taken.setdefault(each.service_type, each)
        if first is each:
            rest.append(each)
        else:
            reason = f"{each.name} would be called {each.service_type}, as {first.name} at {first.source} is"
            rest.append(Skipped(each.source, reason))
    return rest


_Order = tuple[bool, bool, tuple[int, ...], bool, tuple[tuple[bool, int, str], ...], str]


def _order(definition: Definition) -> _Order:
    """Compare what is still there as the registry does: its latest, then semantic versions, then publication."""
    numbers, before = _version(definition.version)
    is_there = not definition.is_withdrawn
    return is_there, definition.is_latest, numbers, not before, before, definition.published_at


def _version(text: str) -> tuple[tuple[int, ...], tuple[tuple[bool, int, str], ...]]:
    found = _VERSION.fullmatch(text)
    if found is None:
        return (), ()
    numbers = [int(number[:_LONGEST_NUMBER]) for number in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers), tuple(_identifier(part) for part in (found[2] or "").split(".") if part)


def _identifier(part: str) -> tuple[bool, int, str]:
    # Numbers come before words, and 9 before 10.
    return (False, int(part[:_LONGEST_NUMBER]), "") if part.isdecimal() else (True, 0, part)
