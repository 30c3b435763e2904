"""Dedicated instances: one MCP server process for one user."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, Field

from ..message import Message
from ..queues import Queue
from ..request import Request
from ..text import JsonObject, Name, Sentence, Text
from .fields import HostId, InstanceId
from .tick import Tick

Minutes = Annotated[int, Field(gt=0, le=525_600)]
ProcessId = Annotated[int, Field(gt=0, lt=2**31)]


class CreateInstance(Request):
    """A user wants an instance of a type; a port is leased and the instance waits to be started."""

    wire_name: ClassVar[str] = "instances.create.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    user_id: UUID = Field(description="Who asks for it.")
    mcp_type: Text = Field(min_length=1, max_length=50, description="The name of a type of MCP server.")
    duration_minutes: Minutes | None = Field(
        default=None, description="How long it may live; the setting's default if left out, the type's maximum at most."
    )
    name: Name | None = Field(default=None, description="What its user calls it.")
    host_id: HostId = "local"
    config: JsonObject = Field(default_factory=dict, description="What its process is started with; no secrets.")
    access_token_hash: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        description="The SHA-256 of the access token in hex; the token itself stays with the caller.",
    )
    access_token_hint: Text = Field(
        default="", max_length=20, description="The last characters of the token, to tell tokens apart."
    )


class InstanceStarted(Message):
    """The process of an instance is up and listens on its port."""

    wire_name: ClassVar[str] = "instances.started.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    host_id: HostId = "local"
    process_id: ProcessId = Field(description="The process id on that host.")
    process_started_at: AwareDatetime = Field(
        description="When the process started; with its id it names the process for ever."
    )


class InstanceFailed(Message):
    """An instance could not be started, or its process ended by itself."""

    wire_name: ClassVar[str] = "instances.failed.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    error: Sentence = Field(description="A sentence on what went wrong; no secrets.")
    port_taken: bool = Field(
        default=False,
        description=(
            "Whether somebody else listens on its port: then the port is set aside, a pending instance gets the next"
            " one and stays pending."
        ),
    )


class InstanceDisconnected(Message):
    """The host of an instance has lost it: its process or its connection is gone, without an error of its own."""

    wire_name: ClassVar[str] = "instances.disconnected.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    reason: Sentence | None = Field(default=None, description="A sentence for the instance's history.")


class InstanceReconnected(Message):
    """An instance that was given up as disconnected answers again at its place."""

    wire_name: ClassVar[str] = "instances.reconnected.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId


class InstanceAccessed(Message):
    """An instance was used at the moment of this fact; report it as often as it happens."""

    wire_name: ClassVar[str] = "instances.accessed.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId


class InstanceStatsReported(Message):
    """What the process of an instance uses at the moment of this fact."""

    wire_name: ClassVar[str] = "instances.stats_reported.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    stats: JsonObject = Field(description="Such as `cpu_percent` and `memory_mb`; the newest report replaces the last.")


class RenewInstance(Request):
    """A running instance shall live longer."""

    wire_name: ClassVar[str] = "instances.renew.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    duration_minutes: Minutes | None = Field(
        default=None,
        description=(
            "How long from now; the setting's default if left out, the type's maximum at most."
            " It never shortens a life."
        ),
    )


class RestoreInstance(Request):
    """An instance that has ended shall live again: with a port leased anew, it waits to be started."""

    wire_name: ClassVar[str] = "instances.restore.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    duration_minutes: Minutes | None = Field(
        default=None, description="How long it may live; the setting's default if left out, the type's maximum at most."
    )


class DeleteInstance(Request):
    """An instance is no longer wanted; its port is free again, its history stays."""

    wire_name: ClassVar[str] = "instances.delete.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES

    instance_id: InstanceId
    reason: Sentence | None = Field(default=None, description="A sentence for the instance's history.")


class InstancesExpiryDue(Tick):
    """It is time to expire the instances whose time is over."""

    wire_name: ClassVar[str] = "instances.expiry_due.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES


class PortsReconcileDue(Tick):
    """It is time to free ports that nobody uses and to follow the range in the settings."""

    wire_name: ClassVar[str] = "instances.ports_reconcile_due.v1"
    queue: ClassVar[Queue] = Queue.INSTANCES
