"""Message ids are UUIDs of version 7: they sort by time, so the inbox can be partitioned by them.

Layout (RFC 9562, section 5.7): 48 bits of Unix time in milliseconds, 4 bits version, 12 bits,
2 bits variant, 62 bits.
"""

import hashlib
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_VERSION: Final = 7
_TAIL_BITS: Final = 74
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# 48 bits reach the year 10889; a moment that no calendar here can tell would stop whoever asks for it.
_LAST_MILLISECOND: Final = 253_402_300_799_999


def new() -> UUID:
    """Make an id for a message that is sent now."""
    return _compose(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10)))


def of_tick(name: str, fire_time: datetime) -> UUID:
    """Make the one id that every scheduler gives to the same tick at the same fire time."""
    return of_content(f"{name}|{_unix_milliseconds(fire_time)}".encode(), fire_time)


def of_content(content: bytes, made: datetime) -> UUID:
    """Make the one id that the same content of the same moment always gets."""
    return _compose(_unix_milliseconds(made), int.from_bytes(hashlib.sha256(content).digest()[:10]))


def derived(message_id: UUID, index: int) -> UUID:
    """Make the id of the index-th part of a message; the same on every delivery."""
    digest = hashlib.sha256(message_id.bytes + index.to_bytes(8)).digest()
    return _compose(milliseconds(message_id), int.from_bytes(digest[:10]))


def moment(message_id: UUID) -> datetime:
    """Tell when an id was made, in UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds(message_id))


def milliseconds(message_id: UUID) -> int:
    """Tell when an id was made, in milliseconds of Unix time."""
    return message_id.int >> 80


def is_message_id(candidate: UUID) -> bool:
    """Tell whether an id is a UUID of version 7 that was made before the year 10000."""
    return candidate.version == _VERSION and milliseconds(candidate) <= _LAST_MILLISECOND


def _unix_milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _compose(made: int, tail: int) -> UUID:
    tail &= (1 << _TAIL_BITS) - 1
    high, low = tail >> 62, tail & ((1 << 62) - 1)
    return UUID(int=(made & ((1 << 48) - 1)) << 80 | _VERSION << 76 | high << 64 | 0b10 << 62 | low)
