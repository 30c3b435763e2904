"""Dead letters: messages that were given up, with the reason, where people find them."""

import socket
import traceback
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from db.repositories.dead_letters import DeadLetter
from db.unit_of_work import UnitOfWork
from producers import message_id as ids

from .delivery import Delivery
from .redaction import redacted_payload, redacted_text

MAX_PAYLOAD: Final = 1_048_576
MAX_TRACEBACK: Final = 16_384
MAX_ERROR: Final = 2_000


class Reason(StrEnum):
    """Why a message was given up; refusals of the domain add their own."""

    UNREADABLE = "unreadable"
    INVALID = "invalid"
    FUTURE_ID = "future-id"
    EXPIRED_ID = "expired-id"
    POISON = "poison"
    DATA_REFUSED = "data-refused"
    EXHAUSTED = "exhausted"


@dataclass(frozen=True)
class Death:
    """Why a delivery was given up: a reason for machines, a sentence for people, the error if any."""

    reason: str
    sentence: str
    error: BaseException | None = None


def bury(delivery: Delivery, death: Death, uow: UnitOfWork, *, claim: bool) -> None:
    """Store a dead letter together with its inbox row; a message that is settled already stays so.

    Without ``claim`` there is no inbox row, since its id has no place in the inbox.
    """
    if not claim or uow.inbox.bury(UUID(delivery.message_id), delivery.wire_name):
        uow.dead_letters.add(_letter(delivery, death))
    settle(delivery, uow)


def settle(delivery: Delivery, uow: UnitOfWork) -> None:
    """Forget that a message was to be delivered again."""
    if delivery.redelivered:
        uow.redeliveries.settle(UUID(delivery.message_id))


def _letter(delivery: Delivery, death: Death) -> DeadLetter:
    payload, redacted = redacted_payload(delivery.raw)
    return DeadLetter(
        id=ids.new(),
        message_id=delivery.message_id,
        queue=delivery.canonical_queue,
        wire_name=delivery.wire_name,
        reason=death.reason,
        error=_sentence(death)[:MAX_ERROR].replace("\x00", "\ufffd"),
        traceback=_traceback(death.error),
        payload=payload[:MAX_PAYLOAD],
        redacted=redacted or len(payload) > MAX_PAYLOAD,
        deliveries=delivery.earlier + delivery.attempts + 1,
        host=socket.gethostname(),
    )


def _sentence(death: Death) -> str:
    # A contract's own sentence names fields, some of them `api_key`, and never a value.
    return death.sentence if death.reason == Reason.INVALID else redacted_text(death.sentence)


def _traceback(error: BaseException | None) -> str | None:
    if error is None:
        return None
    return redacted_text("".join(traceback.format_exception(error)))[-MAX_TRACEBACK:].replace("\x00", "\ufffd")
