"""The plain bus: Dramatiq's own broker with its defaults, which ours is compared with."""

import json
from collections.abc import Iterable
from typing import Any, Final

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from producers import CreateInstance, Message
from producers.envelope import seal

from .stage import Stage

PLAIN: Final = "plain"
_QUEUE: Final = CreateInstance.queue.value


def enqueue_plain(stage: Stage, messages: Iterable[Message]) -> None:
    """Put messages on the plain bus, one after the other."""
    broker = plain_broker(stage)
    for message in messages:
        broker.enqueue(plain_message(message))


def plain_broker(stage: Stage) -> RedisBroker:
    """Make Dramatiq's broker with its default middleware."""
    broker = RedisBroker(url=stage.valkey.url, namespace=PLAIN)  # type: ignore[no-untyped-call]  # Dramatiq does not type it
    broker.declare_queue(_QUEUE)
    return broker


def plain_message(message: Message) -> "dramatiq.Message[Any]":
    """Give the payload and the id of a message to the actor of the plain side."""
    (payload,) = json.loads(seal(message))["args"]
    args = (payload, str(message.message_id))
    return dramatiq.Message(queue_name=_QUEUE, actor_name="execute", args=args, kwargs={}, options={})
