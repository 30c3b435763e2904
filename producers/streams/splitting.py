"""Bytes become lines, however long they are, in memory that is bounded."""

from collections.abc import Iterator
from typing import Final

from ..messages.logs import MAX_LINE

MOST_BYTES: Final = 4 * MAX_LINE + 4
"""A cut line has more characters than are kept of one, so that its end says that it was cut."""


class Splitter:
    """Takes bytes as they come and gives whole lines; of a line that is too long its beginning is kept."""

    def __init__(self) -> None:
        self._begun = bytearray()

    def add(self, data: bytes) -> Iterator[str]:
        """Give the lines that have ended."""
        *ended, begun = data.split(b"\n")
        for end in ended:
            self._append(end)
            yield self._take()
        self._append(begun)

    def finish(self) -> str:
        """Give what came after the last line break."""
        return self._take()

    def _append(self, data: bytes) -> None:
        self._begun += data[: MOST_BYTES - len(self._begun)]

    def _take(self) -> str:
        line = self._begun.decode("utf-8", "replace").removesuffix("\r")
        self._begun.clear()
        return line
