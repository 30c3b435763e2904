"""Looks at the lines that instances printed: which lines are wanted, and what a look at some of them found."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from db.page import Mark
from db.statement import Row

_PART: Final = re.compile(r"'(?:[^']|'')*'|[|(]")
# In whatever language the server lowers letters, these come of the same letters or digits and of no others.
_UNSURE: Final = re.compile("[^a-hjl-z0-9]+")
_ANYTHING: Final = "%"


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line as its instance printed it."""

    id: UUID
    instance_id: UUID
    timestamp: datetime
    level: str
    source: str
    message: str
    metadata: Mapping[str, object]

    @property
    def mark(self) -> Mark:
        """Its place in time."""
        return Mark(self.timestamp, self.id)


@dataclass(frozen=True, slots=True)
class Words:
    """Words that are searched for, and patterns of which a line that has them fits one."""

    text: str
    traces: Sequence[str]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are wanted: of these levels only, with these words only."""

    levels: Sequence[str] | None = None
    words: Words | None = None

    def values(self) -> dict[str, object]:
        """Give what a statement needs to tell them from others."""
        words, found = (None, None) if self.words is None else (self.words.text, list(self.words.traces))
        return {"levels": None if self.levels is None else list(self.levels), "words": words, "traces": found}


@dataclass(frozen=True, slots=True)
class Look:
    """The wanted among so many lines, the newest first, and the last line that was looked at unless it is the last."""

    rows: Sequence[LogRow]
    lines: int
    end: Mark | None

    @classmethod
    def of(cls, found: Sequence[Row], most: int) -> Self:
        """Read what `logs.look` found."""
        rows = [LogRow(*row) for *row, is_wanted, _, _ in found if is_wanted]
        return cls(rows, *_end(found, most))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came, the oldest first, and the newest line's time of each transaction that it came of, by its number."""

    rows: Sequence[LogRow]
    transactions: Mapping[int, datetime]
    lines: int
    end: Mark | None

    @classmethod
    def of(cls, found: Sequence[Row], most: int) -> Self:
        """Read what `logs.arrived` found."""
        rows = [LogRow(*row) for *row, _, _, is_wanted, _, _ in found if is_wanted]
        # Of several lines of a transaction the last that is read is the newest.
        transactions = {row[7]: row[2] for row in found if row[8]}
        return cls(rows, transactions, *_end(found, most))


def traces(tree: str) -> list[str]:
    """Give a pattern for each alternative of a query, as `querytree` writes it, which every line that has it fits."""
    patterns, longest = [], ""
    for part in [*_PART.findall(tree), "|"]:
        if part == "(":
            return [_ANYTHING]
        if part == "|":
            patterns.append(f"%{longest}%")
            longest = ""
        else:
            longest = max(longest, _UNSURE.sub(_ANYTHING, part[1:-1]), key=len)
    return patterns


def _end(found: Sequence[Row], most: int) -> tuple[int, Mark | None]:
    if not found:
        return 0, None
    last = found[-1]
    is_last, number = last[-2:]
    return number, None if is_last and number < most else Mark(last[2], last[0])
