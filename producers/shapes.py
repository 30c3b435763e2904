"""How messages are made of parts, for those that travel in batches."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from .message import Message, Part
from .messages.logs import LogLine, LogsEmitted
from .messages.services import MAX_USES, ServiceUsed, Use

if TYPE_CHECKING:
    from pydantic import JsonValue

P = TypeVar("P", bound=Part)

FULL: Final = "the buffer was full"
REFUSED: Final = "they could not be sent"

_RANKS: Final[Mapping[str, int]] = {"debug": 0, "info": 1, "warn": 2, "error": 3}


@dataclass
class Gap:
    """What was dropped of one subject: how many of which kind, from when until when."""

    first: datetime
    last: datetime
    why: str
    kinds: Counter[str] = field(default_factory=Counter[str])

    def add(self, at: datetime, kind: str) -> None:
        """Count one more."""
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.kinds[kind] += 1


@dataclass(frozen=True)
class Shape(Generic[P]):
    """How a message is made of parts, which of them matter least, and how a gap is told."""

    message: Callable[[Sequence[P]], Message]
    most: int
    at: Callable[[P], datetime]
    subject: Callable[[P], Hashable]
    kind: Callable[[P], str]
    rank: Callable[[P], int]
    told: Callable[[P, Gap], P] | None


def _gap_line(example: LogLine, gap: Gap) -> LogLine:
    metadata: dict[str, JsonValue] = {
        "dropped": gap.kinds.total(),
        "first": gap.first.isoformat(),
        "last": gap.last.isoformat(),
        "levels": {**gap.kinds},
    }
    sentence = f"{gap.kinds.total()} lines are missing here: {gap.why}"
    return LogLine(
        instance_id=example.instance_id,
        timestamp=gap.last,
        level="warn",
        source="system",
        message=sentence,
        metadata=metadata,
    )


LINES: Final = Shape[LogLine](
    message=lambda lines: LogsEmitted(lines=list(lines)),
    most=1_000,
    at=lambda line: line.timestamp,
    subject=lambda line: line.instance_id,
    kind=lambda line: line.level,
    rank=lambda line: _RANKS[line.level],
    told=_gap_line,
)
"""Log lines: debug goes first, and what is missing of an instance becomes a line of its own."""

USES: Final = Shape[Use](
    message=lambda uses: ServiceUsed(uses=list(uses)),
    most=MAX_USES,
    at=lambda use: use.used_at,
    subject=lambda use: use.share_id,
    kind=lambda _use: "use",
    rank=lambda _use: 0,
    told=None,
)
"""Calls of services: the oldest goes first, and only the counters tell of it."""
