"""JSON entries with the line each begins on, so that a bad one can be pointed at and the rest be read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Line breaks and tabs within strings are no JSON, yet people write them and it is clear what they mean.
_DECODER: Final = json.JSONDecoder(strict=False)
_WRAPPERS: Final = ("servers", "services", "mcpServers")
_WRAPPER: Final = re.compile(rf'"(?:{"|".join(_WRAPPERS)})"\s*:\s*(?=[\[{{])')
_KEY: Final = re.compile(r'"(?P<key>(?:[^"\\\n]|\\.)*)"\s*:\s*')
# Another entry follows.
_EXPECTED: Final = re.compile(r"[\]}\s]*,?\s*\{")
_SPACE: Final = re.compile(r"[\s,\x00]*")
# A string that nobody closed ends with its line.
_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*(?:"|$)|[\[\]{}]', re.MULTILINE)
_ENCODING: Final = "not UTF-8: save the file in that encoding"
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A value, its line and the key it stands under; or, when it is not JSON, what is wrong with it."""

    line: int
    value: object = None
    problem: str | None = None
    key: str = ""


def entries(text: str) -> Iterator[Entry]:
    """Give the entries of lists, of objects with servers or services, of lines, or the one there is, as they come."""
    text = text.lstrip("\ufeff")
    start = _skip(text, 0)
    while (inner := _inside(text, start)) is not None:
        whole = _whole(text, start)
        yield from _each(text, inner + 1, has_keys=text[inner] == "{", is_whole=whole is not None)
        if whole is None:
            # Nobody knows where it was meant to end.
            return
        start = _skip(text, whole)
    if _is_of_lines(text, start):
        yield from _lines(text, start)
    else:
        yield from _each(text, start)


def _inside(text: str, start: int) -> int | None:
    """Find the bracket of the list or object whose items are the entries; None if there are only entries from here."""
    return start if text[start : start + 1] == "[" else _wrapped(text, start)


def _whole(text: str, start: int) -> int | None:
    """Find the end of a value, None if something in it is broken."""
    try:
        return _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def _wrapped(text: str, start: int) -> int | None:
    """Find where the entries of an object's servers or services begin."""
    position = start + 1
    while text[start : start + 1] == "{" and (key := _KEY.match(text, _skip(text, position))):
        if key["key"] in _WRAPPERS and text[key.end() : key.end() + 1] in {"[", "{"}:
            return key.end()
        end = _whole(text, key.end())
        if end is None:
            break
        position = end
    else:
        return None
    # Something before them is broken: they are what comes first of that name, unless that lies deeper.
    found = _WRAPPER.search(text, position)
    return found.end() if found and text.count("{", start, found.start()) == 1 else None


def _is_of_lines(text: str, start: int) -> bool:
    """Say whether the first line is a value of its own and others follow."""
    end = text.find("\n", start)
    if end < 0 or _skip(text, end) >= len(text):
        return False
    value_end = _whole(text[:end], start)
    return value_end is not None and _skip(text, value_end) > end


def _lines(text: str, start: int) -> Iterator[Entry]:
    for number, line in enumerate(text[start:].split("\n"), text.count("\n", 0, start) + 1):
        begin = _skip(line, 0)
        if begin < len(line):
            entry, end = _decode(line, begin, number)
            is_alone = entry.problem or _skip(line, end) >= len(line)
            yield from _unwrapped(entry) if is_alone else [Entry(number, problem="not JSON: something follows it")]


def _each(text: str, position: int, *, has_keys: bool = False, is_whole: bool = False) -> Iterator[Entry]:
    line, counted = 1, 0
    while (position := _skip(text, position)) < len(text):
        if text[position] in "]}":
            # In what is whole this is its end; in what is broken it may close what nobody opened.
            if is_whole or has_keys or not _EXPECTED.match(text, position + 1):
                return
            position += 1
            continue
        key = _KEY.match(text, position) if has_keys else None
        line, counted = line + text.count("\n", counted, position), position
        entry, position = _decode(text, key.end() if key else position, line, _unescaped(key["key"]) if key else "")
        yield from _unwrapped(entry)


def _unescaped(key: str) -> str:
    try:
        return str(_DECODER.decode(f'"{key}"'))
    except ValueError:
        return key


def _unwrapped(entry: Entry) -> Iterator[Entry]:
    """Give what a page of a list within a list or a line holds, all with its line."""
    page = entry.value if isinstance(entry.value, dict) and "name" not in entry.value else {}
    held = next((page[key] for key in _WRAPPERS if isinstance(page.get(key), list | dict)), None)
    if held is None:
        yield entry
    elif isinstance(held, dict):
        yield from (Entry(entry.line, value, key=key) for key, value in held.items())
    else:
        yield from (Entry(entry.line, value) for value in held)


def _decode(text: str, start: int, line: int, key: str = "") -> tuple[Entry, int]:
    try:
        value, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        end = _end(text, start)
        problem = _ENCODING if _NOT_UTF8.search(text, start, end) else f"not JSON: {_reason(error, line, text)}"
        return Entry(line, problem=problem), end
    if _NOT_UTF8.search(text, start, end):
        return Entry(line, problem=_ENCODING), end
    return Entry(line, value, key=key), end


def _reason(error: Exception, line: int, text: str) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if not isinstance(error, json.JSONDecodeError):
        # A number of thousands of digits is a ValueError that names no line.
        return str(error)
    # Where text is one line of a file, the decoder counts from that line.
    where = error.lineno if "\n" in text else line
    return error.msg if where == line else f"{error.msg} in line {where}"


def _end(text: str, position: int) -> int:
    """Find where a broken entry ends: where its brackets are closed, but before the next one, or at the end."""
    depth, limit = 0, _next_alike(text, position)
    for token in _TOKEN.finditer(text, position, limit):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
            if depth <= 0:
                # A bracket that nobody opened closes what the entries stand in.
                return token.end() if depth == 0 else token.start()
    return limit


def _next_alike(text: str, position: int) -> int:
    """Find the next line that begins as this one: a bracket that nobody closed swallows no more than its own entry."""
    begin = text.rfind("\n", 0, position) + 1
    indent = text[begin:position]
    if indent.strip():
        # A key stands before the value: entries begin with keys.
        indent = indent[: len(indent) - len(indent.lstrip())]
        if not text.startswith('"', begin + len(indent)):
            return len(text)
        found = re.compile(rf'^{re.escape(indent)}(?=")', re.MULTILINE).search(text, position)
    else:
        found = re.compile(rf"^{re.escape(indent)}(?={{)", re.MULTILINE).search(text, position + 1)
    return found.start() if found else len(text)


def _skip(text: str, position: int) -> int:
    """Pass over what stands between entries."""
    space = _SPACE.match(text, position)
    return space.end() if space else position
