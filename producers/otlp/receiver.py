"""Takes exports: what comes in is decoded, made into messages, and sent before it is answered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final

from .. import message_id as ids
from ..errors import BrokerFull, ProducerError
from ..messages.logs import MAX_LINES, LogLine, LogsEmitted
from ..producer import Producer
from . import records
from .media import Media, decompressed
from .refusals import BacklogFull, BusAway

_BATCH_BYTES: Final = 524_288
_LARGEST_LINE: Final = 900_000
_MANY: Final = 100

Weighed = tuple[LogLine, int]
"""A line and the bytes that it takes."""

# Well within the 30 days for which workers know what they applied, and the 10 minutes that clocks may differ.
_REMEMBERED: Final = timedelta(days=21)
_AHEAD: Final = timedelta(minutes=5)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Export:
    """A request as it came."""

    body: bytes
    content_type: str
    encoding: str = ""


class Receiver:
    """Turns exports into messages; the same export gets the same message ids, so its lines are stored once."""

    def __init__(self, producer: Producer, *, most_bytes: int, durable: bool = False) -> None:
        self._producer = producer
        self._most_bytes = most_bytes
        self._durable = durable

    def receive(self, export: Export) -> bytes:
        """Send what an export brings and give the body of the answer; raise a ``RefusalError`` otherwise."""
        media = Media.of(export.content_type)
        body = decompressed(export.body, export.encoding, most=self._most_bytes)
        found = records.read(media.request(body), now=datetime.now(UTC))
        lines = _small(found)
        self._send(list(_messages(lines, body, found.made)))
        return media.accepted(found.rejected.total(), _reasons(found))

    def _send(self, messages: Sequence[LogsEmitted]) -> None:
        try:
            if messages:
                self._producer.send_many(messages, durable=self._durable)
        except BrokerFull as error:
            raise BacklogFull(str(error)) from error
        except ProducerError as error:
            raise BusAway(str(error)) from error


def _messages(lines: Sequence[Weighed], body: bytes, made: datetime | None) -> Iterator[LogsEmitted]:
    # A body without any time may well be another with the same words: nothing tells it from a second try.
    export_id = ids.new() if made is None else ids.of_content(sha256(body).digest(), settled(made, datetime.now(UTC)))
    batches = (batch for group in _groups(lines) for batch in _batches(group))
    for index, batch in enumerate(batches):
        yield LogsEmitted(
            message_id=ids.derived(export_id, index), occurred_at=ids.moment(export_id), lines=list(batch)
        )


def settled(made: datetime, now: datetime) -> datetime:
    """Give a moment that the workers accept: the one when it was made, or else that time of the last day.

    It is the same on a second try, unless the tries lie on both sides of the one instant that moves it by a day.
    """
    if now - _REMEMBERED <= made <= now + _AHEAD:
        return made
    return now + _AHEAD - (now + _AHEAD - made) % _DAY


def _small(found: records.Records) -> list[Weighed]:
    weighed = [(line, len(line.model_dump_json().encode())) for line in found.lines]
    large = sum(weight > _LARGEST_LINE for _, weight in weighed)
    if large:
        found.rejected[f"it has more than {_LARGEST_LINE:,} bytes"] += large
    return [(line, weight) for line, weight in weighed if weight <= _LARGEST_LINE]


def _groups(lines: Sequence[Weighed]) -> Iterator[Sequence[Weighed]]:
    """Part those of whom an export has many lines from the others, who need not wait with them if they are noisy."""
    counts = Counter(line.instance_id for line, _ in lines)
    many = [instance_id for instance_id, count in counts.items() if count >= _MANY]
    yield [each for each in lines if counts[each[0].instance_id] < _MANY]
    yield from ([each for each in lines if each[0].instance_id == instance_id] for instance_id in many)


def _batches(lines: Sequence[Weighed]) -> Iterator[Sequence[LogLine]]:
    batch: list[LogLine] = []
    size = 0
    for line, weight in lines:
        if len(batch) == MAX_LINES or (batch and size + weight > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += weight
    if batch:
        yield batch


def _reasons(found: records.Records) -> str:
    return "; ".join(f"{count} rejected: {reason}" for reason, count in found.rejected.most_common(10))
