"""A delivery: one message as it came out of Redis, before anybody believed a word of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NotRequired, Self

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from typing_extensions import TypedDict

from producers.envelope import MAX_BYTES, payload_json
from producers.text import mended

MAX_NAME: Final = 100
MAX_ATTEMPTS: Final = 1_000

_OF_COMPRESSION: Final = frozenset({"encoding", "payload_bytes"})


class _Unread(TypedDict):
    """A payload that nobody has looked into."""


class _Frame(TypedDict):
    """What an envelope says about its payload."""

    message_id: str
    actor_name: str
    args: tuple[_Unread]
    options: NotRequired[dict[str, Any] | None]


# Makes no object of what is in the payload: a batch of log lines has a reader of its own.
_FRAME: Final = TypeAdapter(_Frame)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of a message without knowing its contract.

    ``earlier`` counts the deliveries that ended with the death of the worker, ``attempts`` those
    that ended with an error; ``relayed`` says that the database sent it again.  ``problem`` says why
    the envelope cannot be read, if it cannot.
    """

    queue: str
    message_id: str
    raw: bytes
    earlier: int = 0
    wire_name: str = ""
    attempts: int = 0
    relayed: bool = False
    due_at: datetime | None = None
    problem: str | None = None

    @property
    def payload(self) -> object:
        """Read the only argument of the actor."""
        (payload,) = _decode(self.raw)["args"]
        return payload

    @property
    def redelivered(self) -> bool:
        """Tell whether the database may have a note to deliver it again."""
        return self.relayed or self.earlier > 0

    @property
    def text(self) -> str:
        """Give the envelope as it is kept in the database."""
        return mended(self.raw.decode("utf-8", "replace"))

    @property
    def canonical_queue(self) -> str:
        """Give the queue that the message was sent to; delayed messages wait in another."""
        return self.queue.removesuffix(".DQ")

    @classmethod
    def unpack(cls, queue: str, redis_id: str, raw: bytes, earlier: int) -> Self:
        """Read an envelope; whatever is wrong with it is kept as its problem."""
        try:
            plain, envelope = _opened(raw)
            return cls._read(queue, plain, earlier, envelope)
        except Exception as error:  # noqa: BLE001  one envelope must never keep the batch that it came with
            return cls(queue, redis_id, raw, earlier, problem=f"the envelope cannot be read: {_sentence(error)}")

    @classmethod
    def _read(cls, queue: str, raw: bytes, earlier: int, envelope: Mapping[str, Any]) -> Self:
        options = _options(envelope)
        (_,) = envelope["args"]
        return cls(
            queue=queue,
            message_id=mended(str(envelope["message_id"]))[:MAX_NAME],
            raw=raw,
            # Redis forgets how often a message was delivered when it forgets the message; the database does not.
            earlier=max(earlier, _count(options, "deliveries")),
            wire_name=mended(str(envelope["actor_name"]))[:MAX_NAME],
            attempts=_count(options, "attempts"),
            relayed="attempts" in options,
            due_at=_time(options.get("eta")),
        )


def _frame(raw: bytes) -> Mapping[str, Any]:
    try:
        return _FRAME.validate_json(_limited(raw))
    except ValidationError:
        return _decode(raw)


def _decode(raw: bytes) -> Mapping[str, Any]:
    text = _limited(raw).decode("utf-8")
    try:
        envelope = from_json(text)
    except ValueError:
        # The standard library also reads lone surrogates, which other languages write.
        envelope = json.loads(text)
    if not isinstance(envelope, dict):
        message = "it is not a JSON object"
        raise TypeError(message)
    return envelope


def _opened(raw: bytes) -> tuple[bytes, Mapping[str, Any]]:
    """Give an envelope as it would be without compression, so that nobody after this need know of it."""
    envelope = _frame(raw)
    options = _options(envelope)
    if "encoding" not in options:
        return raw, envelope
    (argument,) = envelope["args"]
    payload = payload_json(options, argument)
    rest = {name: field for name, field in envelope.items() if name != "args"}
    rest["options"] = {name: value for name, value in options.items() if name not in _OF_COMPRESSION}
    plain = b'{"args":[' + payload + b"]," + json.dumps(rest, separators=(",", ":")).encode()[1:]
    return plain, _frame(plain)


def _limited(raw: bytes) -> bytes:
    if len(raw) > MAX_BYTES:
        message = f"it takes {len(raw):,} bytes, the limit is {MAX_BYTES:,}"
        raise ValueError(message)
    return raw


def _options(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    options = envelope.get("options") or {}
    if not isinstance(options, dict):
        message = "its options are not an object"
        raise TypeError(message)
    return options


def _count(options: Mapping[str, Any], name: str) -> int:
    return min(max(int(options.get(name, 0)), 0), MAX_ATTEMPTS)


def _time(eta: object) -> datetime | None:
    return None if eta is None else datetime.fromtimestamp(float(str(eta)) / 1000, tz=UTC)


def _sentence(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return mended(str(error)) or type(error).__name__
