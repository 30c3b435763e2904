"""Dedicated instances: one MCP server process for one user."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from ..message import Message
from ..queues import Queue
from ..text import JsonObject, Name, Sentence, Text
from .tick import Tick

Minutes = Annotated[int, Field(gt=0, le=525_600)]
ProcessId = Annotated[int, Field(gt=0, lt=2**31)]


class CreateInstance(Message):
    """A user wants an instance of a type; a port is leased and the instance waits to be started.

    ``access_token_hash`` is the SHA-256 of the access token in hex: the token itself stays with
    the caller.  Without a duration the type's default applies.
    """

    wire_name: ClassVar[str] = "instances.create.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: UUID
    user_id: UUID
    mcp_type: Annotated[Text, Field(min_length=1, max_length=50)]
    duration_minutes: Minutes | None = None
    name: Name | None = None
    host_id: Name = "local"
    config: JsonObject = Field(default_factory=dict)
    access_token_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    access_token_hint: Annotated[Text, Field(max_length=20)] = ""


class InstanceStarted(Message):
    """The process of an instance is up and listens on its port."""

    wire_name: ClassVar[str] = "instances.started.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: UUID
    host_id: Name = "local"
    process_id: ProcessId
    process_started_at: AwareDatetime


class InstanceFailed(Message):
    """An instance could not be started, or its process ended by itself."""

    wire_name: ClassVar[str] = "instances.failed.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: UUID
    error: Sentence


class DeleteInstance(Message):
    """An instance is no longer wanted; its port is free again, its history stays."""

    wire_name: ClassVar[str] = "instances.delete.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: UUID
    reason: Sentence | None = None


class InstancesExpiryDue(Tick):
    """It is time to expire the instances whose time is over."""

    wire_name: ClassVar[str] = "instances.expiry_due.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES
