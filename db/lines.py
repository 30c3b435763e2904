"""Log lines on their way into the database, a column for each field: a line has no object of its own."""

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import compress
from typing import Any, Final, Self
from uuid import UUID

from db import arrays
from db.storable import storable_json

# Beyond these a line's own time is not believed.
_PAST: Final = timedelta(days=30)
_FUTURE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class StrayLine:
    """A line that cannot be stored as one of an instance, and where it came from."""

    message_id: UUID
    number: int
    instance_id: UUID | None
    payload: dict[str, object]


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that came in one message, and the producer's stamp on it.

    An id is 16 bytes and the same on every delivery, a number the place of its line in the message, from 1, and the
    metadata is JSON that jsonb takes.
    """

    message_id: UUID
    received_at: datetime
    ids: Sequence[bytes]
    numbers: Sequence[int]
    instance_ids: Sequence[str]
    timestamps: Sequence[datetime]
    levels: Sequence[str]
    sources: Sequence[str]
    messages: Sequence[str]
    metadata: Sequence[bytes]
    counts: Sequence[int] = field(init=False, repr=False)
    """The timestamps as the server counts them."""

    def __post_init__(self) -> None:
        """Count once what is compared and sent."""
        object.__setattr__(self, "counts", [arrays.microseconds(at) for at in self.timestamps])

    def __len__(self) -> int:
        """Count the lines."""
        return len(self.ids)

    def believed(self) -> Self:
        """Give the batch with its stamp where a line's own time is far from it, which its metadata then tell."""
        earliest = arrays.microseconds(self.received_at - _PAST)
        latest = arrays.microseconds(self.received_at + _FUTURE)
        if earliest <= min(self.counts, default=earliest) and max(self.counts, default=latest) <= latest:
            return self
        wild = [not earliest <= count <= latest for count in self.counts]
        return replace(
            self,
            timestamps=[self.received_at if is_wild else at for is_wild, at in zip(wild, self.timestamps, strict=True)],
            metadata=[
                _with_time(own, at) if is_wild else own
                for is_wild, own, at in zip(wild, self.metadata, self.timestamps, strict=True)
            ],
        )

    def strays(self, known: Container[str]) -> list[StrayLine]:
        """Give the lines of other instances than these."""
        return [
            StrayLine(self.message_id, self.numbers[place], UUID(instance_id), self._line(place))
            for place, instance_id in enumerate(self.instance_ids)
            if instance_id not in known
        ]

    def without_strays(self, known: Container[str]) -> Self:
        """Give the lines of these instances only."""
        stay = [instance_id in known for instance_id in self.instance_ids]
        columns: dict[str, Any] = {column: list(compress(getattr(self, column), stay)) for column in _COLUMNS}
        return replace(self, **columns)

    def _line(self, place: int) -> dict[str, object]:
        return {
            "id": str(UUID(bytes=self.ids[place])),
            "mcp_instance_id": self.instance_ids[place],
            "timestamp": self.timestamps[place].astimezone(UTC).isoformat(),
            "level": self.levels[place],
            "source": self.sources[place],
            "message": self.messages[place],
            "metadata": json.loads(self.metadata[place]),
        }


_COLUMNS: Final = ("ids", "numbers", "instance_ids", "timestamps", "levels", "sources", "messages", "metadata")


def _with_time(metadata: bytes, at: datetime) -> bytes:
    return storable_json({**json.loads(metadata), "original_timestamp": at.isoformat()}).encode()
