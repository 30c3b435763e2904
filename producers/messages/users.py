"""People: that they are to be forgotten."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from ..message import Message
from ..queues import Queue
from ..request import Request


class EraseUser(Request):
    """A user is to be forgotten: all that is the user's is deleted, and records of what was done name nobody any more.

    It begins at once with the end of all that runs and goes on in small steps; the audit trail keeps that it happened.
    """

    wire_name: ClassVar[str] = "users.erase.v1"
    queue: ClassVar[Queue] = Queue.USERS

    user_id: UUID = Field(description="Who is to be forgotten.")


class ContinueErasure(Message):
    """An erasure has more to do; the workers send it to themselves."""

    wire_name: ClassVar[str] = "users.continue_erasure.v1"
    queue: ClassVar[Queue] = Queue.USERS

    erasure_id: UUID = Field(description="The erasure, which is the id of the message that asked for it.")
    step: int = Field(gt=0, le=10_000_000, description="The number of the step, from 1 on.")
