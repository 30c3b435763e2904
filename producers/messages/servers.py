"""Servers that the gateway routes to, and what they offer."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from ..message import Message, Part
from ..queues import Queue
from ..request import Request
from ..text import JsonObject, MendedJsonObject, Name, Text, cut
from .fields import ServerId, TenantId

MAX_OFFERS: Final = 2_000

Transport = Literal["http", "websocket", "stdio", "sse", "streamable_http"]
Described = Annotated[str, BeforeValidator(cut(10_000))]


class RegisterServer(Request):
    """A server is there for the gateway, or is no longer as it was; what was said last about a server counts."""

    wire_name: ClassVar[str] = "gateway.register_server.v1"
    queue: ClassVar[Queue] = Queue.GATEWAY

    server_id: ServerId
    tenant_id: TenantId | None = Field(default=None, description="Whose it is; everybody's if left out.")
    name: Name = Field(description="What people call it; once per tenant.")
    description: Text | None = Field(default=None, max_length=10_000, description="What it does.")
    endpoint_url: Text = Field(
        min_length=1, max_length=500, description="Its URL, or the command of a stdio server; no secrets."
    )
    transport_type: Transport = Field(default="http", description="How it is spoken to.")
    status: Literal["active", "inactive", "maintenance"] = Field(
        default="active", description="Whether the gateway may route to it."
    )
    timeout_ms: int = Field(default=30_000, gt=0, le=3_600_000, description="How long a request may take.")
    expires_at: AwareDatetime | None = Field(default=None, description="Until when it is there; for good if left out.")
    tags: list[Name] = Field(default_factory=list, max_length=100, description="What it is found by.")
    configuration: JsonObject = Field(default_factory=dict, description="Whatever else belongs to it; no secrets.")


class OfferedTool(Part):
    """A tool that a server lists."""

    name: Name = Field(description="What it is called by.")
    description: Described | None = Field(default=None, description="What it does; 10,000 characters are kept.")
    input_schema: MendedJsonObject = Field(default_factory=dict, description="JSON Schema of its arguments.")


class OfferedResource(Part):
    """A resource that a server lists."""

    uri: Text = Field(min_length=1, max_length=500, description="Its URI, or a template of URIs.")
    name: Annotated[str, BeforeValidator(cut(255))] | None = Field(default=None, description="What people call it.")
    description: Described | None = Field(default=None, description="What it is; 10,000 characters are kept.")
    mime_type: Text | None = Field(default=None, max_length=100, description="Its media type.")


class ServerDiscovered(Message):
    """A server said what it can do and what it offers; the newest such fact counts."""

    wire_name: ClassVar[str] = "gateway.server_discovered.v1"
    queue: ClassVar[Queue] = Queue.GATEWAY

    server_id: ServerId
    version: Text | None = Field(default=None, min_length=1, max_length=50, description="As the server calls it.")
    capabilities: MendedJsonObject | None = Field(
        default=None, description="As the server declares them; those that are known stay if left out."
    )
    tools: list[OfferedTool] | None = Field(
        default=None, max_length=MAX_OFFERS, description="All tools that it lists; those known stay if left out."
    )
    resources: list[OfferedResource] | None = Field(
        default=None, max_length=MAX_OFFERS, description="All resources that it lists; those known stay if left out."
    )
