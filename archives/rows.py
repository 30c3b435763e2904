"""Rows as an archive knows them: each value as the text that PostgreSQL writes and reads, or None."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Row: TypeAlias = Sequence[str | None]

_MODULUS: Final = 1 << 64


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its type, in PostgreSQL's words."""

    name: str
    type: str


@dataclass(slots=True)
class Tally:
    """How many rows, and a sum of their digests, which is the same in whatever order they come.

    A row's digest is of its values, each after its length, `-` for a NULL; `maintenance.tally` has PostgreSQL add up
    the same.
    """

    rows: int = 0
    total: int = 0

    def add(self, rows: Iterable[Row]) -> None:
        """Count in some rows."""
        for row in rows:
            told = "".join("-" if value is None else f"{len(value)}:{value}" for value in row)
            self.total += int.from_bytes(hashlib.sha256(told.encode()).digest()[:8], signed=True)
            self.rows += 1

    def join(self, rows: int, total: int) -> None:
        """Count in what somebody else has added up."""
        self.rows += rows
        self.total += total

    @property
    def checksum(self) -> str:
        """Give the sum as 16 hexadecimal digits."""
        return f"{self.total % _MODULUS:016x}"
