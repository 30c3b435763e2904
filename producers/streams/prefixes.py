"""What a line of plain text begins with: a time, and how serious it is."""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Final

from .. import levels
from . import times

if TYPE_CHECKING:
    from ..messages.logs import Level

_LOOKED_AT: Final = 300
_WORDS_LOOKED_AT: Final = 5

_OPENING_MARKS: Final = "[(<|"
_MARKS: Final = "[](){}<>|:-,"

_COLOURS: Final = re.compile(r"\x1b\[[0-9;:?]*[A-Za-z]")
_OPENING: Final = re.compile(r"[\[(<|]*")
_ACCESS: Final = re.compile(r"\S+ \S+ \S+ \[(?=\d\d/)")
_NEST: Final = re.compile(r"\[\w{1,50}\] \d{1,10} +- (?=\d\d/\d\d/\d{4}, )")
_KLOG: Final = re.compile(r"(?P<letter>[IWEFD])(?=\d{4} \d\d:)")
_LETTERS: Final[dict[str, "Level"]] = {"I": "info", "W": "warn", "E": "error", "F": "error", "D": "debug"}

_SURE: Final = re.compile(r"\W*(?P<name>[A-Za-z]{3,13})\s*(?:[:\])>|!]|-\s|$)")
_NPM: Final = re.compile(r"npm (?P<name>warn|WARN|error|ERR!|notice|info|http|verb)")
_WARNING: Final = re.compile(r"(?:\(node:\d+\)(?: \[\w+\])?|\S{1,200}:\d+:) \w*Warning: ")
_EXCEPTION: Final = re.compile(
    r"(?:Uncaught |Exception in thread \S+ )?(?:[\w$]+[.:])*(?:[A-Z]\w*)?(?:Error|Exception|Throwable)\b"
)
_PANIC: Final = re.compile(r"panic: |fatal error: |thread '.{0,100}' (?:\(\d+\) )?panicked at ")


def plain(text: str) -> str:
    """Leave colours out."""
    return _COLOURS.sub("", text) if "\x1b" in text else text


def time(text: str, now: datetime) -> tuple[datetime | None, int]:
    """Read the time that a line begins with, and tell where the rest begins."""
    start = text[:_LOOKED_AT]
    for form in (_ACCESS, _NEST, _KLOG, _OPENING):
        begun = form.match(start)
        if begun is not None and (found := times.at_start(start, now, begun.end())) is not None:
            return found
    return None, 0


def level(text: str, now: datetime) -> "Level | None":
    """Tell how serious a line says that it is; None when it does not say."""
    return read(text, now)[0]


def read(text: str, now: datetime) -> "tuple[Level | None, datetime | None]":
    """Tell how serious a line says that it is, and when it was printed."""
    moment, end = time(text, now)
    letter = _KLOG.match(text)
    if letter is not None:
        return _LETTERS.get(letter["letter"]), moment
    rest = text[end : end + _LOOKED_AT]
    return _named(rest, timed=moment is not None) or _meant(rest), moment


def is_exception(text: str) -> bool:
    """Tell whether a line is the first of an exception in Python, Node.js or Java, or of a panic in Go or Rust."""
    return _EXCEPTION.match(text[:_LOOKED_AT]) is not None or _PANIC.match(text) is not None


def _named(rest: str, *, timed: bool) -> "Level | None":
    sure = _SURE.match(rest)
    if sure is not None and (found := levels.of_name(sure["name"])) is not None:
        return found
    # In the midst of a sentence a name means nothing: it must shout or stand in brackets, where programs put it.
    words = [word for word in rest.split() if word.strip(_MARKS)][:_WORDS_LOOKED_AT]
    first = next((place for place, word in enumerate(words) if word[0] != "["), len(words))
    for place, word in enumerate(words if timed else words[: first + 1]):
        name = word.strip(_MARKS)
        is_marked = name.isupper() or word[0] in _OPENING_MARKS or (place == first and word.endswith(":"))
        if is_marked and (found := levels.of_name(name)) is not None:
            return found
    return None


def _meant(rest: str) -> "Level | None":
    if (npm := _NPM.match(rest)) is not None:
        return levels.of_name(npm["name"].rstrip("!"))
    if _WARNING.match(rest):
        return "warn"
    return "error" if is_exception(rest) else None
