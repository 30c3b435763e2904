"""JSON entries with the line each begins on, so that a bad one can be pointed at and the rest be read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_DECODER: Final = json.JSONDecoder()
_LIST: Final = re.compile(r'"(?:servers|services)"\s*:\s*\[')
_SPACE: Final = re.compile(r"[\s,]*")
# A string that nobody closed ends with its line.
_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|$)|[\[\]{}]', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value and its line; or, when it is not JSON, what is wrong with it."""

    line: int
    value: object = None
    problem: str | None = None


def entries(text: str) -> Iterator[Entry]:
    """Give the entries of a list, of an object's list of servers or services, of lines, or the one there is."""
    text = text.lstrip("\ufeff")
    start = _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches nothing as well
    if text[start : start + 1] == "[":
        return _each(text, start + 1)
    return _each(text, _list_in(text, start) or start)


def _list_in(text: str, start: int) -> int | None:
    """Find where the entries of an object's list of servers or services begin."""
    found = _LIST.search(text, start)
    if found is None:
        return None
    try:
        value, _ = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        # Something in it is broken: it is read as a list if the list comes before anything that is deeper.
        return found.end() if text.count("{", start, found.start()) == 1 else None
    is_list = isinstance(value, dict) and any(isinstance(value.get(key), list) for key in ("servers", "services"))
    return found.end() if is_list else None


def _each(text: str, position: int) -> Iterator[Entry]:
    while True:
        position = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # it matches nothing as well
        if position >= len(text) or text[position] == "]":
            return
        line = text.count("\n", 0, position) + 1
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            # A number of thousands of digits is a ValueError that names no line.
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else getattr(error, "msg", error)
            yield Entry(getattr(error, "lineno", line), problem=f"not JSON: {reason}")
            position = _end(text, position)
        else:
            yield Entry(line, value)


def _end(text: str, position: int) -> int:
    """Find where a broken entry ends: where its brackets are closed, or the text."""
    depth = 0
    for token in _TOKEN.finditer(text, position):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth <= 0:
                return token.end()
    return len(text)
