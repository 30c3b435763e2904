"""What becomes of who asked for something: it is in the event, and in the audit trail."""

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from db.repositories.instances import Requester
from db.unit_of_work import UnitOfWork
from producers import Message
from producers import message_id as ids
from producers.request import Request

# The newest counts, so what claims to be of next year would hide everything until then.
_FUTURE: Final = timedelta(minutes=10)


def requester(message: Request) -> Requester:
    """Give where a request came from, for an event."""
    return Requester(_address(message), message.user_agent)


def act(message: Request, uow: UnitOfWork, *, owner: UUID | Literal["owner"] | None = None) -> None:
    """Have the changes of this transaction audited as the doing of who asked for them, who mostly is the owner."""
    uow.audit.act(message.requested_by or owner, _address(message))


def said_at(message: Message) -> datetime:
    """Give when something was said, by a clock that may be ahead by minutes only."""
    return min(message.occurred_at, ids.moment(message.message_id) + _FUTURE)


def _address(message: Request) -> str | None:
    return None if message.ip_address is None else str(message.ip_address)
