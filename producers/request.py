"""What somebody asks for."""

from uuid import UUID

from pydantic import Field, IPvAnyAddress

from .message import Message
from .text import Text


class Request(Message):
    """Base of what somebody asks for; history and audit trail keep who did and where it came from."""

    requested_by: UUID | None = Field(
        default=None, description="The user who asks for it, if it is not the user whose it is; for the audit trail."
    )
    ip_address: IPvAnyAddress | None = Field(default=None, description="Where the request came from.")
    user_agent: Text | None = Field(default=None, max_length=500, description="What it was sent with.")
