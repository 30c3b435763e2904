"""Health: what to probe, and what a probe found."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from ..message import Message, Part
from ..queues import Queue
from ..text import Text

Url = Annotated[Text, Field(max_length=500, pattern=r"^https?://[^\s]+$")]
Era = Literal["modern", "legacy"]


class Verdict(StrEnum):
    """What a probe found; only ``alive`` ones can be worked with."""

    UP = "up"
    DEGRADED = "degraded"
    AUTH_REQUIRED = "auth_required"
    RESTARTED = "restarted"
    PROTOCOL_ERROR = "protocol_error"
    TOOLS_MISSING = "tools_missing"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"

    @property
    def alive(self) -> bool:
        """Tell whether the server can be worked with."""
        return self in {Verdict.UP, Verdict.DEGRADED, Verdict.AUTH_REQUIRED, Verdict.RESTARTED}


class Probe(StrEnum):
    """How a target is probed: a plain GET, or the Model Context Protocol."""

    HTTP = "http"
    MCP = "mcp"


class HealthTarget(Part):
    """One server to probe; ``scheduled_at`` is the slot that the result counts for."""

    instance_id: UUID
    url: Url
    probe: Probe = Probe.MCP
    timeout_seconds: Annotated[float, Field(ge=0.1, le=30)] = 5.0
    scheduled_at: AwareDatetime


class HealthReport(Part):
    """What one probe found; times are aware, ``response_ms`` is in milliseconds."""

    instance_id: UUID
    scheduled_at: AwareDatetime
    checked_at: AwareDatetime
    verdict: Verdict
    response_ms: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    error: Annotated[Text, Field(max_length=300)] | None = None
    era: Era | None = None


class CheckHealth(Message):
    """These targets are to be probed now."""

    wire_name: ClassVar[str] = "health.check.v1"
    queue: ClassVar[Queue] = Queue.HEALTH

    targets: Annotated[list[HealthTarget], Field(min_length=1, max_length=500)]


class HealthReported(Message):
    """Another service probed these targets and reports what it found."""

    wire_name: ClassVar[str] = "health.reported.v1"
    queue: ClassVar[Queue] = Queue.HEALTH

    reports: Annotated[list[HealthReport], Field(min_length=1, max_length=500)]
