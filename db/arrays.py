"""Arrays in PostgreSQL's binary format, which any statement takes almost as cheaply as COPY takes rows.

An element is its length and its bytes.  Elements are kept apart until the statement is sent, so that some can be left
out without encoding the others again.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import ClassVar, Final, Self

from psycopg.adapt import AdaptersMap, Buffer, Dumper
from psycopg.pq import Format

from db.storable import storable

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_HEAD: Final = struct.Struct(">iiIii").pack
_LENGTH: Final = struct.Struct(">i").pack
_TIME: Final = struct.Struct(">iq").pack

_UUID: Final = _LENGTH(16)

# The version of jsonb's binary format, then JSON as text.
_JSONB: Final = b"\1"


class BinaryArray(bytes):
    """An array of one dimension as the server reads it."""

    __slots__ = ()

    oid: ClassVar[int]
    element_oid: ClassVar[int]

    @classmethod
    def of(cls, columns: Sequence[Sequence[bytes]]) -> Self:
        """Join the elements of all columns, one column after the other."""
        count = sum(map(len, columns))
        # An empty array has no dimension.
        head = _HEAD(1, 0, cls.element_oid, count, 1) if count else _HEAD(0, 0, cls.element_oid, 0, 0)[:12]
        return cls(head + b"".join(chain.from_iterable(columns)))


class UuidArray(BinaryArray):
    """Values of type uuid."""

    __slots__ = ()

    oid, element_oid = 2951, 2950


class TimeArray(BinaryArray):
    """Values of type timestamptz."""

    __slots__ = ()

    oid, element_oid = 1185, 1184


class TextArray(BinaryArray):
    """Values of type text."""

    __slots__ = ()

    oid, element_oid = 1009, 25


class JsonbArray(BinaryArray):
    """Values of type jsonb."""

    __slots__ = ()

    oid, element_oid = 3807, 3802


class _Dumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: BinaryArray) -> Buffer:
        """Send what is there."""
        return obj


def teach(adapters: AdaptersMap) -> None:
    """Have a connection send binary arrays as they are."""
    for kind in (UuidArray, TimeArray, TextArray, JsonbArray):
        adapters.register_dumper(kind, type(f"{kind.__name__}Dumper", (_Dumper,), {"oid": kind.oid}))


def microseconds(at: datetime) -> int:
    """Count as the server does, from the beginning of the year 2000."""
    return (at - _EPOCH) // _MICROSECOND


def uuids(values: Iterable[bytes]) -> list[bytes]:
    """Encode ids, given as the 16 bytes of each."""
    return [_UUID + value for value in values]


def times(counts: Iterable[int]) -> list[bytes]:
    """Encode microseconds as by `microseconds`."""
    return [_TIME(8, count) for count in counts]


def texts(values: Sequence[str]) -> list[bytes]:
    """Encode texts; NUL and lone surrogates, which the server refuses, are replaced."""
    try:
        encoded = [value.encode() for value in values]
    except UnicodeEncodeError:
        encoded = list(_storable(values))
    if b"\0" in b"".join(encoded):
        encoded = list(_storable(values))
    return [_LENGTH(len(each)) + each for each in encoded]


def words(values: Sequence[str]) -> list[bytes]:
    """Encode texts of which most are the same."""
    distinct = list(set(values))
    elements = dict(zip(distinct, texts(distinct), strict=True))
    return [elements[value] for value in values]


def jsons(values: Iterable[bytes]) -> list[bytes]:
    """Encode JSON that jsonb takes."""
    return [_LENGTH(len(value) + 1) + _JSONB + value for value in values]


def _storable(values: Iterable[str]) -> Iterator[bytes]:
    return (storable(value).encode() for value in values)
