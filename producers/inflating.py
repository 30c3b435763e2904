"""Decompression that ends where a limit is, however much would come out."""

import zlib
from enum import IntEnum


class Form(IntEnum):
    """How compressed bytes are framed; the value is what zlib calls ``wbits``."""

    ZLIB = 15
    GZIP = 31


class InflationError(ValueError):
    """Bytes cannot be decompressed."""


class InflatedTooLarge(InflationError):
    """More would come out than was allowed."""


def inflated(data: bytes, form: Form, *, most: int) -> bytes:
    """Decompress one whole stream; never more than a byte over ``most`` is made of it."""
    stream = zlib.decompressobj(form)
    try:
        out = stream.decompress(data, most + 1)
    except zlib.error as error:
        message = f"it cannot be decompressed: {error}"
        raise InflationError(message) from None
    if len(out) > most:
        message = f"it is more than {most:,} bytes when it is decompressed"
        raise InflatedTooLarge(message)
    if not stream.eof or stream.unused_data:
        message = "it cannot be decompressed: it is not one whole stream"
        raise InflationError(message)
    return out
