"""Lines that belong together become one entry: tracebacks, and whatever is indented."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final

from . import entries, prefixes
from .splitting import MOST_BYTES

_TRACEBACK: Final = re.compile(r"\W*(?:Exception Group )?Traceback \(most recent call last\)")
_NAME: Final = re.compile(r"[A-Za-z_][\w.<>]*(?:: |:?$)")
_CHAINED: Final = re.compile(r"During handling of the above exception|The above exception was the direct cause")
_CAUSED: Final = re.compile(r"Caused by: |Suppressed: |\s*\.\.\. \d+ more")
_CLOSING: Final = re.compile(r"[\])}]+[,;]?$")
_CRASH: Final = re.compile(r"(?:file://|node:)?[\w./@-]{1,300}\.[cm]?[jt]s:\d+$")
_CRASHED: Final = "Node.js v"
_PANIC: Final = re.compile(r"panic: |fatal error: ")
_JDK: Final = re.compile(r"[A-Z][a-z]{2} \d\d, \d{4} \d{1,2}:\d\d:\d\d[ \u202f][AP]M \S+(?: \S+)?$")
_JDK_LEVEL: Final = re.compile(r"[A-Z]{3,13}:(?: |$)")
"""Below the first line of java.util.logging, which says when and where: how serious it is, and what."""
_INDENTS: Final = frozenset(" \t│┃╭╰├└┌")
"""Blanks, and the boxes in which some programs draw their tracebacks."""


@dataclass(frozen=True)
class Bounds:
    """How many lines and characters an entry may have, and how long it may wait for more of them."""

    lines: int = 500
    characters: int = MOST_BYTES
    quiet_seconds: float = 0.25
    seconds: float = 5.0


class _Place(Enum):
    """Where in an entry we are."""

    TEXT = auto()
    FRAMES = auto()
    """Below `Traceback`: the next line that is not indented names the exception."""
    NAMED = auto()
    """Below the name of a Python exception, which may go on and have another one after it."""
    CRASH = auto()
    """In what Node.js or Go print when they end: all of it belongs together."""


_IN_PYTHON: Final = (_Place.FRAMES, _Place.NAMED)


@dataclass(frozen=True)
class Joined:
    """Lines that belong together, when the first of them came, and whether they tell of an exception."""

    text: str
    at: datetime
    is_exception: bool


class Joiner:
    """Takes lines one by one and gives entries as soon as they are whole."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
        self._lines: list[str] = []
        self._begin()

    def add(self, line: str) -> Iterator[Joined]:
        """Take a line; give the entry that it ended."""
        line = prefixes.plain(line)
        if self._lines and not (self._has_room(line) and self._goes_on(line)):
            yield from self.finish()
        if not self._lines and not line.strip():
            return
        self._append(line)

    def left(self) -> float | None:
        """Tell in how many seconds the entry waits no longer; None when there is none."""
        if not self._lines:
            return None
        quiet, old = self._last + self._bounds.quiet_seconds, self._first + self._bounds.seconds
        return max(0.0, min(quiet, old) - time.monotonic())

    def finish(self) -> Iterator[Joined]:
        """Give the entry as it is."""
        text = "\n".join(self._lines).rstrip()
        if text:
            yield Joined(text, self._at, self._is_exception)
        self._lines.clear()
        self._begin()

    def _begin(self) -> None:
        self._characters = 0
        self._first = self._last = 0.0
        self._at = datetime.now(UTC)
        self._place = _Place.TEXT
        self._is_exception = False

    def _append(self, line: str) -> None:
        self._last = time.monotonic()
        if not self._lines:
            self._first, self._at = self._last, datetime.now(UTC)
        self._place = self._next(line)
        self._is_exception |= self._place in _IN_PYTHON or _is_frame(line)
        self._lines.append(line)
        self._characters += len(line) + 1

    def _has_room(self, line: str) -> bool:
        bounds = self._bounds
        fits = len(self._lines) < bounds.lines and self._characters + len(line) < bounds.characters
        return fits and time.monotonic() - self._first < bounds.seconds

    def _next(self, line: str) -> _Place:
        if _TRACEBACK.match(line):
            return _Place.FRAMES
        if not self._lines and (_CRASH.match(line) or _PANIC.match(line)):
            return _Place.CRASH
        if self._place is _Place.FRAMES and line.strip() and not _is_indented(line):
            return _Place.NAMED
        return self._place

    def _goes_on(self, line: str) -> bool:
        """Tell whether a line belongs to the entry that has begun."""
        if self._place is _Place.CRASH:
            return not self._lines[-1].startswith(_CRASHED)
        if not line.strip():
            return self._place is not _Place.TEXT
        if len(self._lines) == 1 and _JDK.match(self._lines[0]):
            return _JDK_LEVEL.match(line) is not None
        if _TRACEBACK.match(line):
            return self._was_chained() if self._place is _Place.NAMED else self._is_error()
        return _hangs_on(line) or self._is_name(line)

    def _is_name(self, line: str) -> bool:
        """Tell whether a line that is not indented names the exception of the entry, or goes on with its name."""
        if self._place is _Place.NAMED:
            return self._is_more_of_its_name(line)
        if self._place is _Place.FRAMES:
            return _NAME.match(line) is not None and prefixes.level(line, self._at) in {None, "error"}
        return prefixes.is_exception(line) and self._is_error()

    def _was_chained(self) -> bool:
        return any(_CHAINED.match(line) for line in self._lines[-3:])

    def _is_more_of_its_name(self, line: str) -> bool:
        if _CHAINED.match(line):
            return True
        begins = any(prefixes.read(line, self._at)) or line.startswith("{")
        return bool(self._lines[-1].strip()) and not begins

    def _is_error(self) -> bool:
        head = self._lines[: 2 if _JDK.match(self._lines[0]) else 1]
        return not self._is_exception and entries.read("\n".join(head), self._at).level in {"warn", "error"}


def _hangs_on(line: str) -> bool:
    return bool(_is_indented(line) or _CLOSING.match(line) or _CAUSED.match(line))


def _is_indented(line: str) -> bool:
    return line[:1] in _INDENTS


def _is_frame(line: str) -> bool:
    return line.lstrip().startswith("at ") and _is_indented(line)
