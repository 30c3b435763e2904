"""How messages are made of parts, for those that travel in batches."""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from .message import Message, Part
from .messages.gateway import (
    MAX_RECORDS,
    ActionAudited,
    AuditedAction,
    AuditedCall,
    CallAudited,
    MetricSample,
    MetricsSampled,
    RequestsServed,
    ServedRequest,
)
from .messages.logs import LogLine, LogsEmitted
from .messages.services import MAX_USES, ServiceUsed, Use

if TYPE_CHECKING:
    from pydantic import JsonValue

P = TypeVar("P", bound=Part)

FULL: Final = "the buffer was full"
REFUSED: Final = "they could not be sent"

_RANKS: Final[Mapping[str, int]] = {"debug": 0, "info": 1, "warn": 2, "error": 3}


@dataclass
class Gap:
    """What was dropped of one subject: how many of which kind, from when until when."""

    first: datetime
    last: datetime
    why: str
    kinds: Counter[str] = field(default_factory=Counter[str])

    def add(self, at: datetime, kind: str) -> None:
        """Count one more."""
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.kinds[kind] += 1


@dataclass(frozen=True)
class Shape(Generic[P]):
    """How a message is made of parts, which of them matter least, and how a gap is told."""

    message: Callable[[Sequence[P]], Message]
    most: int
    at: Callable[[P], datetime]
    subject: Callable[[P], Hashable]
    kind: Callable[[P], str]
    rank: Callable[[P], int]
    told: Callable[[P, Gap], P] | None


def _gap_line(example: LogLine, gap: Gap) -> LogLine:
    metadata: dict[str, JsonValue] = {
        "dropped": gap.kinds.total(),
        "first": gap.first.isoformat(),
        "last": gap.last.isoformat(),
        "levels": {**gap.kinds},
    }
    sentence = f"{gap.kinds.total()} lines are missing here: {gap.why}"
    return LogLine(
        instance_id=example.instance_id,
        timestamp=gap.last,
        level="warn",
        source="system",
        message=sentence,
        metadata=metadata,
    )


LINES: Final = Shape[LogLine](
    message=lambda lines: LogsEmitted(lines=list(lines)),
    most=1_000,
    at=lambda line: line.timestamp,
    subject=lambda line: line.instance_id,
    kind=lambda line: line.level,
    rank=lambda line: _RANKS[line.level],
    told=_gap_line,
)
"""Log lines: debug goes first, and what is missing of an instance becomes a line of its own."""

USES: Final = Shape[Use](
    message=lambda uses: ServiceUsed(uses=list(uses)),
    most=MAX_USES,
    at=lambda use: use.used_at,
    subject=lambda use: use.share_id,
    kind=lambda _use: "use",
    rank=lambda _use: 0,
    told=None,
)
"""Calls of services: the oldest goes first, and only the counters tell of it."""

_LEAST_ERROR: Final = 400

REQUESTS: Final = Shape[ServedRequest](
    message=lambda requests: RequestsServed(requests=list(requests)),
    most=MAX_RECORDS,
    at=lambda request: request.requested_at,
    subject=lambda request: request.server_id,
    kind=lambda request: "failed" if _has_failed(request) else "served",
    rank=lambda request: int(_has_failed(request)),
    told=None,
)
"""Requests that a gateway served: those that went well go first."""

SAMPLES: Final = Shape[MetricSample](
    message=lambda samples: MetricsSampled(samples=list(samples)),
    most=MAX_RECORDS,
    at=lambda sample: sample.sampled_at,
    subject=lambda sample: sample.server_id,
    kind=lambda _sample: "sample",
    rank=lambda _sample: 0,
    told=None,
)
"""How servers do: the oldest goes first."""

ACTIONS: Final = Shape[AuditedAction](
    message=lambda actions: ActionAudited(actions=list(actions)),
    most=MAX_RECORDS,
    at=lambda action: action.acted_at,
    subject=lambda action: action.tenant_id,
    kind=lambda _action: "action",
    rank=lambda _action: 0,
    told=None,
)
"""Actions for the audit trail: let whoever acts wait (``when_full="block"``) rather than lose one."""

CALLS: Final = Shape[AuditedCall](
    message=lambda calls: CallAudited(calls=list(calls)),
    most=MAX_RECORDS,
    at=lambda call: call.called_at,
    subject=lambda call: call.tenant_id,
    kind=lambda call: "answered" if call.success else "failed",
    rank=lambda call: int(not call.success),
    told=None,
)
"""Calls of the protocol for the audit trail: those that were answered go first."""


def _has_failed(request: ServedRequest) -> bool:
    return request.error_type is not None or (request.status_code or 0) >= _LEAST_ERROR
