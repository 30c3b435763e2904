"""What went through the gateway: requests, samples of how servers do, actions and calls of the protocol."""

import re
from typing import Annotated, ClassVar, Final, cast
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, IPvAnyAddress

from ..batch import Batch
from ..message import Part
from ..queues import Queue
from ..text import MendedJsonObject, Name, cut
from .fields import ServerId, TenantId

MAX_RECORDS: Final = 1_000

_SECRET: Final = re.compile(
    r"authori[sz]ation|authentication|(?:^|[-_.])auth(?:$|[-_.])|cookie|token|secret|passw|api[-_]?key|credential|session|signature",
    re.IGNORECASE,
)
_HIDDEN: Final = "[redacted]"


def _without_secrets(value: object) -> object:
    """Hide what headers and parameters are secret by their names, before anything is sent."""
    if not isinstance(value, dict):
        return value
    given = cast("dict[object, object]", value)
    return {name: _HIDDEN if _SECRET.search(str(name)) else item for name, item in given.items()}


def _only_path(value: object) -> object:
    return value.partition("?")[0] if isinstance(value, str) else value


Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Plain = Annotated[MendedJsonObject, BeforeValidator(_without_secrets)]
Word = Annotated[str, BeforeValidator(cut(100)), Field(min_length=1)]
Reference = Annotated[str, BeforeValidator(cut(255))]
Agent = Annotated[str, BeforeValidator(cut(500))]
Failure = Annotated[str, BeforeValidator(cut(2_000))]
Path = Annotated[str, BeforeValidator(cut(500)), BeforeValidator(_only_path)]


class ServedRequest(Part):
    """One request that the gateway served, and how it ended."""

    request_id: Reference = Field(min_length=1, description="What the gateway calls it; each try is a request.")
    requested_at: AwareDatetime = Field(description="When it came.")
    method: Annotated[str, Field(min_length=1, max_length=10)] = Field(description="The method of HTTP.")
    path: Path = Field(description="What was asked for, without parameters; 500 characters of it are kept.")
    tenant_id: TenantId | None = Field(default=None, description="Whose it is; the operator's if left out.")
    user_id: UUID | None = Field(default=None, description="Who asked.")
    server_id: ServerId | None = Field(default=None, description="The server that it was routed to.")
    ip_address: IPvAnyAddress | None = Field(default=None, description="Where it came from.")
    query_params: Plain = Field(default_factory=dict, description="Parameters; what is secret by its name is hidden.")
    headers: Plain = Field(default_factory=dict, description="Headers; what is secret by its name is hidden.")
    duration_ms: Milliseconds | None = Field(default=None, description="How long the answer took.")
    status_code: int | None = Field(default=None, ge=100, le=599, description="The status of HTTP, if it was answered.")
    response_size_bytes: int | None = Field(default=None, ge=0, lt=2**63, description="How long the answer was.")
    error_type: Word | None = Field(default=None, description="What went wrong, in a word.")
    error: Failure | None = Field(default=None, description="What went wrong; 2,000 characters of it are kept.")
    metadata: MendedJsonObject = Field(default_factory=dict, description="Whatever else belongs to it; no secrets.")
    tool: Reference | None = Field(
        default=None, min_length=1, description="The tool of the server that it called, if it was a `tools/call`."
    )


class RequestsServed(Batch[ServedRequest]):
    """The gateway served these requests."""

    wire_name: ClassVar[str] = "gateway.requests_served.v1"
    queue: ClassVar[Queue] = Queue.GATEWAY
    part: ClassVar[type[Part]] = ServedRequest
    carried_in: ClassVar[str] = "requests"
    called: ClassVar[str] = "the request"
    most: ClassVar[int] = MAX_RECORDS

    requests: list[ServedRequest] = Field(
        min_length=1, max_length=MAX_RECORDS, description="Requests of any tenants, in any order."
    )


class MetricSample(Part):
    """How a server did at a moment."""

    server_id: ServerId
    sampled_at: AwareDatetime = Field(description="When the sample was taken.")
    response_time_ms: Milliseconds | None = Field(default=None, description="How long its answers took.")
    requests_per_second: Milliseconds | None = Field(default=None, description="How much it was asked.")
    error_rate: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = Field(
        default=None, description="How many answers were errors, in per cent."
    )
    cpu_usage: Milliseconds | None = Field(default=None, description="In per cent of one core.")
    memory_usage_mb: Milliseconds | None = Field(default=None, description="In megabytes.")
    active_connections: int | None = Field(default=None, ge=0, lt=2**31, description="Open connections.")
    connection_pool_size: int | None = Field(default=None, ge=0, lt=2**31, description="Connections at most.")
    custom: MendedJsonObject = Field(default_factory=dict, description="Whatever else was measured.")


class MetricsSampled(Batch[MetricSample]):
    """Servers reported how they do."""

    wire_name: ClassVar[str] = "gateway.metrics_sampled.v1"
    queue: ClassVar[Queue] = Queue.GATEWAY
    part: ClassVar[type[Part]] = MetricSample
    carried_in: ClassVar[str] = "samples"
    called: ClassVar[str] = "the sample"
    most: ClassVar[int] = MAX_RECORDS

    samples: list[MetricSample] = Field(
        min_length=1, max_length=MAX_RECORDS, description="Samples of any servers, in any order."
    )


class AuditedAction(Part):
    """Something that somebody did through the gateway."""

    acted_at: AwareDatetime = Field(description="When it was done.")
    action: Word = Field(description="What was done, in a word.")
    resource_type: Word = Field(description="To what kind of thing.")
    resource_id: Reference | None = Field(default=None, description="To which one.")
    tenant_id: TenantId | None = Field(default=None, description="Whose it is; the operator's if left out.")
    user_id: UUID | None = Field(default=None, description="Who did it; nobody for the system itself.")
    service_name: Word | None = Field(default=None, description="Which service reports it.")
    success: bool = Field(default=True, description="Whether it was done, or only tried.")
    error: Failure | None = Field(default=None, description="Why it was not done; 2,000 characters of it are kept.")
    request_id: Reference | None = Field(default=None, description="The request that it was part of.")
    ip_address: IPvAnyAddress | None = Field(default=None, description="Where it came from.")
    user_agent: Agent | None = Field(default=None, description="What it was sent with; 500 characters are kept.")
    details: Plain = Field(default_factory=dict, description="What else is to be known; what is secret is hidden.")


class ActionAudited(Batch[AuditedAction]):
    """Somebody did these things through the gateway; what is written down is not changed again."""

    wire_name: ClassVar[str] = "gateway.action_audited.v1"
    queue: ClassVar[Queue] = Queue.GATEWAY
    part: ClassVar[type[Part]] = AuditedAction
    carried_in: ClassVar[str] = "actions"
    called: ClassVar[str] = "the action"
    most: ClassVar[int] = MAX_RECORDS

    actions: list[AuditedAction] = Field(
        min_length=1, max_length=MAX_RECORDS, description="Actions in any tenants, in any order."
    )


class AuditedCall(Part):
    """One call of the protocol, and how it ended."""

    called_at: AwareDatetime = Field(description="When the call was made.")
    user_id: Reference = Field(min_length=1, description="Who called, as the credentials say.")
    method: Word = Field(description="The method of the protocol, such as `tools/call`.")
    success: bool = Field(description="Whether it was answered without an error.")
    duration_ms: int = Field(ge=0, lt=2**31, description="How long the answer took.")
    tenant_id: TenantId | None = Field(default=None, description="Whose it is; the operator's if left out.")
    user_roles: list[Name] = Field(default_factory=list, max_length=100, description="Which roles the caller had.")
    params: Plain = Field(default_factory=dict, description="Parameters; what is secret by its name is hidden.")
    request_id: Reference | None = Field(default=None, description="The id of the call.")
    error_code: int | None = Field(default=None, ge=-(2**31), lt=2**31, description="The code of JSON-RPC.")
    error: Failure | None = Field(default=None, description="What went wrong; 2,000 characters of it are kept.")


class CallAudited(Batch[AuditedCall]):
    """These calls of the protocol were made; what is written down is not changed again."""

    wire_name: ClassVar[str] = "gateway.call_audited.v1"
    queue: ClassVar[Queue] = Queue.GATEWAY
    part: ClassVar[type[Part]] = AuditedCall
    carried_in: ClassVar[str] = "calls"
    called: ClassVar[str] = "the call"
    most: ClassVar[int] = MAX_RECORDS

    calls: list[AuditedCall] = Field(
        min_length=1, max_length=MAX_RECORDS, description="Calls in any tenants, in any order."
    )
