"""Health: what to probe, and what a probe found."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator, model_validator

from .. import message_id as ids
from ..message import Message, Part
from ..queues import Queue
from ..text import Name, Text
from .fields import Slot
from .tick import Tick

LATEST_SLOT: Final = timedelta(minutes=10)
"""How far after the moment of the message id a slot may be: the newest wins, so one of next year hides the others."""

Url = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00]+$")]
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
ProbeError = Annotated[Text, Field(max_length=300)]
Era = Literal["modern", "legacy"]


class Verdict(StrEnum):
    """What a probe found."""

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


class Subject(Part):
    """Base of what is about one instance, one shared service or one server of the gateway."""

    instance_id: UUID | None = Field(default=None, description="The instance; or name a service or a server instead.")
    service_type: Name | None = Field(default=None, description="The shared service.")
    server_id: Name | None = Field(default=None, description="The server of the gateway.")

    @model_validator(mode="after")
    def _of_one(self) -> Self:
        if sum(name is not None for name in (self.instance_id, self.service_type, self.server_id)) != 1:
            message = "names one of instance_id, service_type and server_id"
            raise ValueError(message)
        return self


class HealthTarget(Subject):
    """One server to probe."""

    url: Url = Field(description="Where it is asked.")
    probe: Probe = Field(default=Probe.MCP, description="A plain GET, or the Model Context Protocol.")
    timeout_seconds: float = Field(default=5.0, ge=0.1, le=30, description="How long the whole probe may take.")
    scheduled_at: Slot


class HealthReport(Subject):
    """What one probe found."""

    scheduled_at: Slot
    checked_at: AwareDatetime = Field(description="When the probe ran.")
    verdict: Verdict = Field(description="What it found.")
    response_ms: Milliseconds | None = Field(default=None, description="How long the answer took, if one came.")
    error: ProbeError | None = Field(default=None, description="A sentence on what was wrong.")
    era: Era | None = Field(default=None, description="Which era of the protocol the server speaks.")


class CheckHealth(Message):
    """These targets are to be probed now."""

    wire_name: ClassVar[str] = "health.check.v1"
    queue: ClassVar[Queue] = Queue.HEALTH

    targets: list[HealthTarget] = Field(min_length=1, max_length=500, description="The servers to probe.")

    @field_validator("targets")
    @classmethod
    def _of_now(cls, targets: list[HealthTarget], info: ValidationInfo) -> list[HealthTarget]:
        _refuse_slots_of_the_future([target.scheduled_at for target in targets], info)
        return targets


class HealthReported(Message):
    """Another service probed these targets and reports what it found."""

    wire_name: ClassVar[str] = "health.reported.v1"
    queue: ClassVar[Queue] = Queue.HEALTH

    reports: list[HealthReport] = Field(min_length=1, max_length=500, description="One report for each probe.")

    @field_validator("reports")
    @classmethod
    def _of_now(cls, reports: list[HealthReport], info: ValidationInfo) -> list[HealthReport]:
        _refuse_slots_of_the_future([report.scheduled_at for report in reports], info)
        return reports


class HealthChecksDue(Tick):
    """It is time to see what there is to be checked; workers check it by themselves."""

    wire_name: ClassVar[str] = "health.checks_due.v1"
    queue: ClassVar[Queue] = Queue.HEALTH


def _refuse_slots_of_the_future(slots: Sequence[AwareDatetime], info: ValidationInfo) -> None:
    message_id = info.data.get("message_id")
    # Without one there is another error already.
    if message_id is None:
        return
    latest = ids.moment(message_id) + LATEST_SLOT
    for index, slot in enumerate(slots):
        if slot > latest:
            minutes = int(LATEST_SLOT.total_seconds() // 60)
            message = f"scheduled_at of item {index} is more than {minutes} minutes after the moment of the message id"
            raise ValueError(message)
