"""What one probe found, before it becomes a report."""

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from producers import Verdict
from producers.messages.health import Era

if TYPE_CHECKING:
    from .offers import Offer

SENTENCE_LIMIT: Final = 300

# Servers like to repeat the credential that they refuse: a long run with a digit is no word.
_CREDENTIAL: Final = re.compile(r"(?=[A-Za-z+/_=.\-]*\d)[A-Za-z0-9+/_=.\-]{16,}")


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict, its reason, and how long the answer that decided it took."""

    verdict: Verdict
    error: str | None = None
    response_ms: float | None = None
    era: Era | None = None
    offer: "Offer | None" = None
    checked_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def told(self) -> "Finding":
        """Give the same with a sentence that is safe to store."""
        return self if self.error is None else replace(self, error=readable(self.error))


def readable(text: str, limit: int = SENTENCE_LIMIT) -> str:
    """Make one bounded line without control characters."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text[: limit * 4])
    line = " ".join(printable.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def quoted(text: str, limit: int) -> str:
    """Make one bounded line of what a server said, without anything like a credential."""
    return readable(_CREDENTIAL.sub("[…]", text[: limit * 4]), limit)


def answered(response_ms: float, *, timeout_seconds: float, share: float, era: Era | None) -> Finding:
    """Judge a good answer by its time alone: up, or degraded when it used most of its timeout."""
    if response_ms <= timeout_seconds * 1000 * share:
        return Finding(Verdict.UP, None, response_ms, era)
    error = f"Answered after {response_ms:.0f} ms of the {timeout_seconds:g} s that it may take."
    return Finding(Verdict.DEGRADED, error, response_ms, era)
