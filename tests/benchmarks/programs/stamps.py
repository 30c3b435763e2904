"""When the first and the last message of a process were executed, by the machine's monotonic clock."""

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Span:
    """How many messages were executed between which two moments, in nanoseconds."""

    count: int
    first: int
    last: int

    @property
    def rate(self) -> float:
        """Give the messages per second from the first to the last."""
        return (self.count - 1) / ((self.last - self.first) / 1e9)

    @classmethod
    def over(cls, files: Iterable[Path]) -> "Span":
        """Join what several processes wrote."""
        spans = [cls(**json.loads(file.read_text(encoding="utf-8"))) for file in files]
        busy = [span for span in spans if span.count]
        return cls(sum(s.count for s in busy), min(s.first for s in busy), max(s.last for s in busy))


@dataclass
class Stamps:
    """Notes a moment for each message; appending to a list is the least that can be noted."""

    moments: list[int] = field(default_factory=list)

    def note(self) -> None:
        """Note that a message is executed now."""
        self.moments.append(time.monotonic_ns())

    def write(self, file: Path) -> None:
        """Leave the span where the benchmark reads it."""
        span = Span(len(self.moments), min(self.moments, default=0), max(self.moments, default=0))
        file.write_text(json.dumps(asdict(span)), encoding="utf-8")
