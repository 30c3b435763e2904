"""The envelope: Dramatiq's own JSON, so that any language can enqueue.

A large payload travels compressed: the only argument is then the base64 of a zlib stream, and the options say so.
"""

import json
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from . import message_id as ids
from .errors import MessageTooLarge
from .inflating import Form, inflated
from .message import Message
from .queues import Queue

NAMESPACE: Final = "dramatiq"
MAX_BYTES: Final = 1_048_576
"""The limit of an envelope before compression, so that what was read can be kept and sent again as it is."""

COMPRESS_FROM: Final = 262_144
"""How large a payload is compressed, unless the producer is told otherwise."""

ENCODING: Final = "zlib"

# The first level: the next ones make log lines 8 % smaller and take twice as long.
_LEVEL: Final = 1


def seal(message: Message, *, queue: Queue | None = None, compress_from: int = COMPRESS_FROM) -> bytes:
    """Encode a message, for its own queue or another; ``MessageTooLarge`` over ``MAX_BYTES`` before compression."""
    payload = message.model_dump_json().encode()
    frame = _Frame(message.message_id, (queue or message.queue).value, message.wire_name)
    data = frame.around(payload)
    if len(data) > MAX_BYTES:
        sentence = f"{message.wire_name} takes {len(data):,} bytes, the limit is {MAX_BYTES:,}: send smaller batches"
        raise MessageTooLarge(sentence)
    if len(payload) < compress_from:
        return data
    compressed = b'"' + b64encode(zlib.compress(payload, _LEVEL)) + b'"'
    return min(data, frame.around(compressed, encoding=ENCODING, payload_bytes=len(payload)), key=len)


def seal_unread(payload: str, *, message_id: UUID, queue: str, wire_name: str) -> bytes:
    """Encode a payload that is JSON already and that nobody has checked; whoever receives it does."""
    return _Frame(message_id, queue, wire_name).around(payload.encode())


def payload_json(options: Mapping[str, object], argument: object) -> bytes:
    """Give the JSON of a payload that travelled compressed; raise ``ValueError`` when there is none or too much."""
    if options.get("encoding") != ENCODING:
        message = f"its payload is in an encoding that is not {ENCODING}"
        raise ValueError(message)
    if not isinstance(argument, str):
        message = "its compressed payload is not a text"
        raise TypeError(message)
    payload = inflated(b64decode(argument, validate=True), Form.ZLIB, most=MAX_BYTES)
    if options.get("payload_bytes", len(payload)) != len(payload):
        message = f"its payload has {len(payload):,} bytes, and payload_bytes says otherwise"
        raise ValueError(message)
    return payload


@dataclass(frozen=True)
class _Frame:
    """What stands around the payload."""

    message_id: UUID
    queue: str
    wire_name: str

    def around(self, argument: bytes, **options: object) -> bytes:
        """Put the argument between the other fields; it is the long one, and is JSON already."""
        head = {"queue_name": self.queue, "actor_name": self.wire_name}
        tail = {
            "kwargs": {},
            "options": {"redis_message_id": str(self.message_id), **options},
            "message_id": str(self.message_id),
            "message_timestamp": ids.milliseconds(self.message_id),
        }
        return _json(head)[:-1] + b',"args":[' + argument + b"]," + _json(tail)[1:]


def _json(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
