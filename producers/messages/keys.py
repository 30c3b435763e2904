"""Keys of third parties: stored sealed, validated, revoked."""

from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from ..message import Message
from ..queues import Queue
from ..request import Request
from ..sealing import KeyMessage
from ..text import JsonObject, Text
from .tick import Tick

TypeName = Annotated[
    Text, Field(min_length=1, max_length=50, description="The name of the type of MCP server that the key is for.")
]
Owner = Annotated[UUID, Field(description="Whose key it is.")]


class StoreApiKey(KeyMessage):
    """A user's key for a type is to be stored; it takes the place of an earlier one.

    The newest store or revocation of a user and type wins, by `occurred_at`.
    """

    wire_name: ClassVar[str] = "keys.store.v1"
    queue: ClassVar[Queue] = Queue.KEYS

    mcp_type: TypeName
    expires_at: AwareDatetime | None = Field(
        default=None, description="When the key ends, after `occurred_at`; never if left out."
    )

    @property
    def subject(self) -> str:
        """Name the type that the key is for."""
        return self.mcp_type

    @model_validator(mode="after")
    def _of_use(self) -> Self:
        if self.expires_at is not None and self.expires_at <= self.occurred_at:
            message = "expires_at is not after occurred_at"
            raise ValueError(message)
        return self


class RevokeApiKey(Request):
    """A user's key for a type must not be used any more; what services said about it is forgotten."""

    wire_name: ClassVar[str] = "keys.revoke.v1"
    queue: ClassVar[Queue] = Queue.KEYS

    user_id: Owner
    mcp_type: TypeName


class KeyValidated(Message):
    """A service was asked whether it takes a user's key; it says so of the key that was stored by then."""

    wire_name: ClassVar[str] = "keys.validated.v1"
    queue: ClassVar[Queue] = Queue.KEYS

    user_id: Owner
    service_type: Text = Field(min_length=1, max_length=50, description="The shared service that was asked.")
    is_valid: bool = Field(description="Whether it took the key.")
    response: JsonObject = Field(default_factory=dict, description="What it answered; no secrets.")


class KeyRotationDue(Tick):
    """It is time to wrap some more keys under the active master key."""

    wire_name: ClassVar[str] = "keys.rotation_due.v1"
    queue: ClassVar[Queue] = Queue.KEYS
