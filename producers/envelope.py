"""The envelope: Dramatiq's own JSON, so that any language can enqueue."""

from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SerializeAsAny

from . import message_id as ids
from .errors import MessageTooLarge
from .message import Message

NAMESPACE: Final = "dramatiq"
MAX_BYTES: Final = 1_048_576

_NO_PAYLOAD: Final = '"args":[]'


class Options(BaseModel):
    """Dramatiq's options; ``redis_message_id`` is the id that the message has inside Redis."""

    redis_message_id: str


class Envelope(BaseModel):
    """One message as it travels; the payload is the only argument of the actor."""

    model_config = ConfigDict(frozen=True)

    queue_name: str
    actor_name: str
    args: tuple[SerializeAsAny[Message]]
    kwargs: dict[str, Any] = {}
    options: Options
    message_id: str
    message_timestamp: int


def seal_unread(payload: str, *, message_id: UUID, queue: str, wire_name: str) -> bytes:
    """Encode a payload that is JSON already and that nobody has checked; whoever receives it does."""
    envelope = Envelope.model_construct(
        queue_name=queue,
        actor_name=wire_name,
        args=(),
        kwargs={},
        options=Options.model_construct(redis_message_id=str(message_id)),
        message_id=str(message_id),
        message_timestamp=ids.milliseconds(message_id),
    )
    # No other text of the envelope holds these quotes unescaped.
    return envelope.model_dump_json(warnings=False).replace(_NO_PAYLOAD, f'"args":[{payload}]', 1).encode()


def seal(message: Message) -> bytes:
    """Encode a message; raise ``MessageTooLarge`` when it is over ``MAX_BYTES``."""
    message_id = str(message.message_id)
    envelope = Envelope.model_construct(
        queue_name=message.queue.value,
        actor_name=message.wire_name,
        args=(message,),
        kwargs={},
        options=Options.model_construct(redis_message_id=message_id),
        message_id=message_id,
        message_timestamp=ids.milliseconds(message.message_id),
    )
    data = envelope.model_dump_json().encode()
    if len(data) > MAX_BYTES:
        sentence = f"{message.wire_name} takes {len(data):,} bytes, the limit is {MAX_BYTES:,}: send smaller batches"
        raise MessageTooLarge(sentence)
    return data
