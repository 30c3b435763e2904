"""A producer for other people's tests: it keeps what was sent and needs no Redis."""

from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from .message import Message
from .producer import Producer
from .sealing import SealingKey

M = TypeVar("M", bound=Message)


class _Nowhere:
    def enqueue(self, sealed: object, *, durable: bool) -> None:
        """Carry nothing."""

    def close(self) -> None:
        """Have nothing to close."""


class RecordingProducer(Producer):
    """Checks and seals messages as the real producer does, and keeps them in ``sent``."""

    def __init__(self, *, sealing_key: str | None = None) -> None:
        super().__init__(_Nowhere(), sealing_key=None if sealing_key is None else SealingKey.parse(sealing_key))
        self.sent: list[Message] = []

    def send_many(self, messages: Iterable[Message], *, durable: bool = False) -> list[UUID]:
        """Record messages that the real producer would have sent."""
        batch = list(messages)
        message_ids = super().send_many(batch, durable=durable)
        self.sent.extend(batch)
        return message_ids

    def of(self, contract: type[M]) -> list[M]:
        """Give the recorded messages of one contract, oldest first."""
        return [message for message in self.sent if isinstance(message, contract)]
