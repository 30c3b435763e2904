"""Parts of batches that do not fit their contract, as they are kept for people."""

from typing import Final

from producers.batch import RefusedLine
from producers.text import mended_json

MAX_REFUSED: Final = 8_192
"""How many characters of such a part are kept."""


def kept(refused: RefusedLine) -> dict[str, object]:
    """Give the problem and as much of the part as is kept."""
    line = mended_json(refused.line)
    shown = repr(line)
    return {
        "problem": refused.problem,
        "line": line if len(shown) <= MAX_REFUSED else f"{shown[:MAX_REFUSED]}… [truncated]",
    }
