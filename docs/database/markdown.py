"""Tables, code and links of Markdown as GitHub reads it."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_NOT_IN_ANCHORS: Final = re.compile(r"[^\w\- ]")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table; nothing when it would have no rows."""
    lines = [_line(row) for row in rows]
    return "\n".join([_line(head), _line(["---"] * len(head)), *lines]) if lines else ""


def code(text: str) -> str:
    """Write a piece of code, also within a table."""
    return f"`{text.replace('|', chr(92) + '|')}`" if text else ""


def link(title: str) -> str:
    """Write a link to the heading of a table on the same page."""
    return f"[`{title}`](#{anchor(title)})"


def anchor(heading: str) -> str:
    """Return what GitHub calls a heading in the address."""
    return _NOT_IN_ANCHORS.sub("", heading.lower()).replace(" ", "-")


def paragraphs(*parts: str) -> str:
    """Put what is there below each other."""
    return "\n\n".join(part for part in parts if part)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
