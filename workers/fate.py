"""Decides what is to become of a delivery, from nothing but the delivery, the contracts and the time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from producers import InvalidMessage
from producers import message_id as ids

from .actor import AnyActor, Identified
from .dead_letters import Death, Reason
from .delivery import Delivery

FUTURE: Final = timedelta(minutes=10)
"""How far ahead of this worker's clock the moment of an id may be."""


@dataclass(frozen=True)
class Apply:
    """The message is to be applied by its actor."""

    actor: AnyActor
    message: Identified


@dataclass(frozen=True)
class PutBy:
    """The message is to come again: when it is due, or when a worker knows its wire name."""

    state: str
    due_at: datetime | None = None


Fate = Apply | PutBy | Death


def fate(delivery: Delivery, actors: Mapping[str, AnyActor], *, horizon: timedelta, now: datetime) -> Fate:
    """Decide, in this order: unreadable, of no usable id, unknown, not yet due, invalid, too new or too old."""
    if delivery.problem is not None:
        return Death(Reason.UNREADABLE, delivery.problem)
    if uuid7(delivery.message_id) is None:
        return Death(Reason.INVALID, "its id is not a UUID of version 7")
    actor = actors.get(delivery.wire_name)
    if actor is None:
        return PutBy("parked")
    if delivery.due_at is not None and delivery.due_at > now:
        return PutBy("delayed", delivery.due_at)
    try:
        message: Identified = actor.received(delivery)
    except InvalidMessage as error:
        return Death(Reason.INVALID, str(error))
    return _too_new_or_old(message, horizon, now) or Apply(actor, message)


def has_place(delivery: Delivery, *, horizon: timedelta, now: datetime) -> bool:
    """Tell whether the inbox has a place for the id of a delivery."""
    message_id = uuid7(delivery.message_id)
    return message_id is not None and -FUTURE <= now - ids.moment(message_id) <= horizon


def uuid7(text: str) -> UUID | None:
    """Read an id of version 7 whose moment can be told."""
    try:
        candidate = UUID(text)
        ids.moment(candidate)
    except (ValueError, OverflowError):
        return None
    return candidate if ids.is_message_id(candidate) else None


def _too_new_or_old(message: Identified, horizon: timedelta, now: datetime) -> Death | None:
    age = now - ids.moment(message.message_id)
    if age < -FUTURE:
        return Death(Reason.FUTURE_ID, f"its id is {-age} in the future: check the clocks of sender and worker")
    if age > horizon:
        return Death(Reason.EXPIRED_ID, f"its id is {age.days} days old, the inbox remembers {horizon.days}")
    return None
