"""What every message has: an id, a moment, a wire name and a queue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from . import message_id as ids
from .errors import InvalidMessage
from .queues import Queue


def _of_version_7(value: UUID) -> UUID:
    if not ids.is_message_id(value):
        message = "must be a UUID of version 7"
        raise ValueError(message)
    return value


def _now() -> datetime:
    return datetime.now(UTC)


def _made_at(message_id: str) -> datetime:
    """Tell when a message was made that does not say it itself; the same on every delivery."""
    try:
        candidate = UUID(message_id)
    except ValueError:
        return _now()
    return ids.moment(candidate) if ids.is_message_id(candidate) else _now()


MessageId = Annotated[UUID, AfterValidator(_of_version_7)]


class Part(BaseModel):
    """Base of the values that messages are made of: frozen, and no field but the declared ones."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __init__(self, /, **fields: object) -> None:
        """Validate the fields; raise ``InvalidMessage`` when one is missing, unknown or wrong."""
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise InvalidMessage.from_validation(self.contract_name(), error) from None

    # Says that this constructor only validates, so that pydantic need not call it for every part of
    # a message: it would lose the place of an error in the batch, and a microsecond for each line.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pydantic's own mark on a function

    @classmethod
    def contract_name(cls) -> str:
        """Give the name by which errors call this."""
        return cls.__name__


class Message(Part):
    """Base of every contract: a command asks, a fact reports, a tick says that it is time.

    ``message_id`` names the message for ever: the same id is applied once.  It travels in the
    envelope, not in the payload.
    """

    wire_name: ClassVar[str]
    queue: ClassVar[Queue]
    bulk_queue: ClassVar[Queue | None] = None
    """Where messages wait of those who send more than their share, so that the others need not."""

    message_id: MessageId = Field(default_factory=ids.new, exclude=True, repr=False)
    occurred_at: AwareDatetime = Field(
        default_factory=_now,
        description="When it happened or was asked for; the time in the message id if left out.",
    )

    def sources(self) -> Mapping[UUID, int]:
        """Tell of whom the message has how many parts, where shares are counted."""
        return {}

    @classmethod
    def contract_name(cls) -> str:
        """Give the name that the message has on the wire."""
        return cls.wire_name

    @classmethod
    def received(cls, payload: object, *, message_id: str) -> Self:
        """Rebuild a message from what travelled; raise ``InvalidMessage`` when it does not fit."""
        if not isinstance(payload, dict):
            message = f"{cls.wire_name} does not fit its contract: the payload is not an object"
            raise InvalidMessage(message)
        if "message_id" in payload:
            message = f"{cls.wire_name} does not fit its contract: message_id: belongs into the envelope"
            raise InvalidMessage(message)
        try:
            return cls.model_validate({"occurred_at": _made_at(message_id), **payload, "message_id": message_id})
        except ValidationError as error:
            raise InvalidMessage.from_validation(cls.wire_name, error) from None
