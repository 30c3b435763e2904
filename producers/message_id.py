"""Message ids are UUIDs of version 7: they sort by time, so the inbox can be partitioned by them.

Layout (RFC 9562, section 5.7): 48 bits of Unix time in milliseconds, 4 bits version, 12 bits,
2 bits variant, 62 bits.
"""

import hashlib
import os
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_VERSION: Final = 7
_TAIL_BITS: Final = 74


def new() -> UUID:
    """Make an id for a message that is sent now."""
    return _compose(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10)))


def of_tick(name: str, fire_time: datetime) -> UUID:
    """Make the one id that every scheduler gives to the same tick at the same fire time."""
    milliseconds = _milliseconds(fire_time)
    digest = hashlib.sha256(f"{name}|{milliseconds}".encode()).digest()
    return _compose(milliseconds, int.from_bytes(digest[:10]))


def derived(message_id: UUID, index: int) -> UUID:
    """Make the id of the index-th part of a message; the same on every delivery."""
    digest = hashlib.sha256(message_id.bytes + index.to_bytes(8)).digest()
    return _compose(message_id.int >> 80, int.from_bytes(digest[:10]))


def moment(message_id: UUID) -> datetime:
    """Tell when an id was made, in UTC."""
    return datetime.fromtimestamp((message_id.int >> 80) / 1000, tz=UTC)


def is_message_id(candidate: UUID) -> bool:
    """Tell whether an id is a UUID of version 7."""
    return candidate.version == _VERSION


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _compose(milliseconds: int, tail: int) -> UUID:
    tail &= (1 << _TAIL_BITS) - 1
    high, low = tail >> 62, tail & ((1 << 62) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | _VERSION << 76 | high << 64 | 0b10 << 62 | low)
