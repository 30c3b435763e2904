"""Reads batches of log lines into columns.

Nearly every batch fits its contract and needs no mending, so one pass outside of Python reads all of it.  A batch of
which that cannot be said is read by the contract, line by line; it is stored the same way.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.json import Decoder
from pydantic_core import to_json

from db.lines import Batch, StrayLine
from db.storable import storable_json
from producers import LogsEmitted
from producers.batch import RefusedLine
from producers.message_id import moment
from producers.messages.logs import MAX_LINE, MAX_LINES, Level, Source
from producers.text import MAX_DEPTH, mended_json

from .delivery import Delivery
from .refused import kept

_Moment = Annotated[datetime, Meta(tz=True)]
_ESCAPE: Final = b"\\"
_NUL: Final = b"\\u0000"
_NO_NUMBERS: Final = (b"NaN", b"Infinity")
_DIGITS_AS_ZERO: Final = bytes.maketrans(b"123456789", b"000000000")
_BIG_INTEGER: Final = b"0" * 19
_ID_LENGTH: Final = 36
_REMEMBERED: Final = 10_000
_VARIANT: Final = 0b10 << 62
_NUMBER_AT: Final = 62 - MAX_LINES.bit_length()
_LAST_BITS: Final = (1 << _NUMBER_AT) - 1


class _Line(Struct, forbid_unknown_fields=True, gc=False):
    instance_id: str
    timestamp: _Moment
    message: Annotated[str, Meta(max_length=MAX_LINE)]
    level: Level = "info"
    source: Source = "process"
    metadata: dict[str, Any] = field(default_factory=dict)


class _Payload(Struct, forbid_unknown_fields=True):
    lines: Annotated[list[_Line], Meta(min_length=1, max_length=MAX_LINES)]
    occurred_at: _Moment | UnsetType = UNSET


class _Envelope(Struct):
    args: tuple[_Payload]


_ENVELOPE: Final = Decoder(_Envelope)


@dataclass(frozen=True, slots=True)
class ReadLines:
    """The lines of a message that fit the contract, and those that do not."""

    batch: Batch
    refused: Sequence[StrayLine] = ()

    @property
    def message_id(self) -> UUID:
        """Name the message."""
        return self.batch.message_id


def read(delivery: Delivery) -> ReadLines:
    """Read a delivery of ``LogsEmitted``; raise ``InvalidMessage`` when more is wrong with it than its lines."""
    message_id = UUID(delivery.message_id)
    # The contract reads ids more strictly than the standard library.
    lines = _plain_lines(delivery.raw) if str(message_id) == delivery.message_id else None
    batch = None if lines is None else _plain(message_id, lines)
    return _judged(delivery) if batch is None else ReadLines(batch)


def line_ids(message_id: UUID, count: int) -> list[bytes]:
    """Make the ids of the lines of a message, UUIDs of its version and moment, in the order of the lines.

    They are the same on every delivery.
    """
    head = message_id.bytes[:8]
    tails = struct.unpack(f">{count}Q", hashlib.shake_128(message_id.bytes).digest(8 * count))
    # The number comes first: many programs tell whole seconds, and lines of one moment are read by their ids.
    numbered = zip(range(_VARIANT, _VARIANT + (count << _NUMBER_AT), 1 << _NUMBER_AT), tails, strict=True)
    return [head + (number | tail & _LAST_BITS).to_bytes(8) for number, tail in numbered]


def _plain_lines(raw: bytes) -> list[_Line] | None:
    # Where there is no escape at all, which is seen at once, that one need not be looked for.
    if _ESCAPE in raw and _NUL in raw:
        return None
    try:
        (payload,) = _ENVELOPE.decode(raw).args
    except (ValueError, RecursionError):
        return None
    return payload.lines


def _plain(message_id: UUID, lines: Sequence[_Line]) -> Batch | None:
    instance_ids = [line.instance_id for line in lines]
    metadata = [to_json(line.metadata) if line.metadata else b"{}" for line in lines]
    if not (all(map(_is_id, set(instance_ids))) and _is_plain(metadata)):
        return None
    return Batch(
        message_id=message_id,
        # The stamp of the id was judged when the message was claimed; occurred_at may be anything.
        received_at=moment(message_id),
        ids=line_ids(message_id, len(lines)),
        numbers=range(1, len(lines) + 1),
        instance_ids=instance_ids,
        timestamps=[line.timestamp for line in lines],
        levels=[line.level for line in lines],
        sources=[line.source for line in lines],
        messages=[line.message for line in lines],
        metadata=metadata,
    )


def _is_id(text: str) -> bool:
    # The same few come all the time; nothing longer is remembered.
    return len(text) == _ID_LENGTH and _is_canonical(text)


@lru_cache(_REMEMBERED)
def _is_canonical(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_plain(metadata: Sequence[bytes]) -> bool:
    """Tell whether nothing in JSON is to be mended; a doubt is a no."""
    together = b"".join(metadata)
    # Each opens one object; only where many open more, each is looked at.
    if together.count(b"{") + together.count(b"[") - len(metadata) >= MAX_DEPTH and not all(map(_is_flat, metadata)):
        return False
    numbers_fit = _BIG_INTEGER not in together.translate(_DIGITS_AS_ZERO)
    return numbers_fit and not any(word in together for word in _NO_NUMBERS)


def _is_flat(metadata: bytes) -> bool:
    return metadata.count(b"{") + metadata.count(b"[") <= MAX_DEPTH


def _judged(delivery: Delivery) -> ReadLines:
    message = LogsEmitted.received(delivery.payload, message_id=delivery.message_id)
    numbered = list(message.numbered())
    lines = [line for _, line in numbered]
    numbers = [number for number, _ in numbered]
    ids = line_ids(message.message_id, max(numbers, default=0))
    batch = Batch(
        message_id=message.message_id,
        received_at=moment(message.message_id),
        ids=[ids[number - 1] for number in numbers],
        numbers=numbers,
        instance_ids=[str(line.instance_id) for line in lines],
        timestamps=[line.timestamp for line in lines],
        levels=[line.level for line in lines],
        sources=[line.source for line in lines],
        messages=[line.message for line in lines],
        metadata=[storable_json(line.metadata).encode() for line in lines],
    )
    return ReadLines(batch, [_stray(message.message_id, line) for line in message.refused])


def _stray(message_id: UUID, refused: RefusedLine) -> StrayLine:
    return StrayLine(message_id, refused.number, _instance_id(mended_json(refused.line)), kept(refused))


def _instance_id(line: object) -> UUID | None:
    try:
        return UUID(str(line["instance_id"])) if isinstance(line, dict) else None
    except (KeyError, ValueError):
        return None
