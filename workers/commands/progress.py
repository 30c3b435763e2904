"""A line on a terminal that shows how far a walk through lines has come."""

import time
from typing import Final, TextIO

from .walking import Walk

_PATIENCE_SECONDS: Final = 0.5
_ERASE: Final = "\r\x1b[K"


class Progress:
    """Speaks up when a walk takes long, twice a second, and only to people."""

    def __init__(self, stream: TextIO) -> None:
        """Write nothing yet."""
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._next = time.monotonic() + _PATIENCE_SECONDS
        self._stands = False

    def show(self, walk: Walk, found: int) -> None:
        """Say how many lines were looked at, back to when, and how many were found."""
        if not self._is_terminal or time.monotonic() < self._next or walk.edge is None:
            return
        self._next = time.monotonic() + _PATIENCE_SECONDS
        back_to = f"{walk.edge.at:%Y-%m-%d %H:%M:%S}"
        self._write(f"{_ERASE}looked at {walk.lines:,} lines, back to {back_to}; found {found:,}; Ctrl-C ends it")
        self._stands = True

    def clear(self) -> None:
        """Make room for a line."""
        if self._stands:
            self._write(_ERASE)
            self._stands = False

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
