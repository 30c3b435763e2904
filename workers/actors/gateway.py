"""What went through the gateway: requests, samples, actions and calls."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from db.recording import Facts, dated
from db.repositories.gateway import StrayRecord
from db.unit_of_work import UnitOfWork
from producers import ActionAudited, CallAudited, MetricsSampled, RequestsServed
from producers.batch import Batch
from producers.message import Part
from producers.message_id import derived, moment
from producers.messages.gateway import AuditedAction, AuditedCall, MetricSample, ServedRequest

from ..actor import set_actor
from ..redaction import redacted_json, redacted_text
from ..refused import kept

P = TypeVar("P", bound=Part)
Row = Callable[[UUID, P, datetime], Facts]
UNKNOWN_SERVER: Final = "unknown-server"
_FAILED: Final = 400
_LONGEST_MS: Final = timedelta(days=365) / timedelta(milliseconds=1)


@set_actor(RequestsServed)
def record_requests(messages: Sequence[RequestsServed], uow: UnitOfWork) -> None:
    """Store the requests of batches and count calls of tools; those outside the contract go into quarantine."""
    uow.requests.record(_rows(messages, _request, uow))
    requests = [request for message in messages for _, request in message.numbered()]
    # Tools are held from here on until the transaction ends, so they come last.
    uow.tools.count([_tool_call(request) for request in requests if request.tool and request.server_id])


@set_actor(MetricsSampled)
def record_samples(messages: Sequence[MetricsSampled], uow: UnitOfWork) -> None:
    """Store the samples of batches; those of unknown servers or outside the contract go into quarantine."""
    known = uow.metrics.hold_servers({sample.server_id for message in messages for sample in message.samples})
    rows = _rows(messages, _sample, uow)
    uow.metrics.record([row for row in rows if row["server_id"] in known])
    uow.gateway.quarantine(
        [
            StrayRecord(message.message_id, message.wire_name, number, UNKNOWN_SERVER, _shown(sample))
            for message in messages
            for number, sample in message.numbered()
            if sample.server_id not in known
        ]
    )


@set_actor(ActionAudited)
def record_actions(messages: Sequence[ActionAudited], uow: UnitOfWork) -> None:
    """Write down the actions of batches; those outside the contract go into quarantine."""
    uow.audit.record(_rows(messages, _action, uow))


@set_actor(CallAudited)
def record_calls(messages: Sequence[CallAudited], uow: UnitOfWork) -> None:
    """Write down the calls of batches; those outside the contract go into quarantine."""
    uow.calls.record(_rows(messages, _call, uow))


def _rows(messages: Sequence[Batch[P]], row: Row[P], uow: UnitOfWork) -> list[Facts]:
    """Give the rows of the good parts; what does not fit is put into quarantine."""
    uow.gateway.quarantine(
        [
            StrayRecord(message.message_id, message.wire_name, each.number, "contract", redacted_json(kept(each)))
            for message in messages
            for each in message.refused
        ]
    )
    return [
        # The stamp of the id was judged when the message was claimed; occurred_at may be anything.
        row(derived(message.message_id, number - 1), part, moment(message.message_id))
        for message in messages
        for number, part in message.numbered()
    ]


def _request(row_id: UUID, request: ServedRequest, stamp: datetime) -> Facts:
    facts = {
        "id": str(row_id),
        "request_id": request.request_id,
        "tenant_id": request.tenant_id,
        "user_id": _text(request.user_id),
        "ip_address": _text(request.ip_address),
        "method": request.method,
        "path": request.path,
        "query_params": _clean(request.query_params),
        "headers": _clean(request.headers),
        "target_server_id": request.server_id,
        "duration_ms": _bounded(request.duration_ms),
        "status_code": request.status_code,
        "response_size_bytes": request.response_size_bytes,
        "error_type": request.error_type,
        "error_message": _clean_text(request.error),
        "request_metadata": _with_tool(_clean(request.metadata), request.tool),
    }
    row = dated(facts, at=request.requested_at, stamp=stamp, column="request_time", beside="request_metadata")
    return {**row, "response_time": _answered_at(str(row["request_time"]), request.duration_ms)}


def _with_tool(metadata: Mapping[str, object], tool: str | None) -> Mapping[str, object]:
    return metadata if tool is None else {**metadata, "tool": tool}


def _tool_call(request: ServedRequest) -> Facts:
    """Say how a call ended: one that was not answered failed too."""
    return {
        "server_id": request.server_id,
        "name": request.tool,
        "succeeded": request.error_type is None and request.status_code is not None and request.status_code < _FAILED,
        "duration_ms": _bounded(request.duration_ms),
    }


def _shown(sample: MetricSample) -> dict[str, object]:
    return redacted_json(sample.model_dump(mode="json"))


def _sample(row_id: UUID, sample: MetricSample, stamp: datetime) -> Facts:
    measured = sample.model_dump(exclude={"custom", "sampled_at"})
    measured["response_time_ms"] = _bounded(sample.response_time_ms)
    facts = {"id": str(row_id), **measured, "custom_metrics": _clean(sample.custom)}
    return dated(facts, at=sample.sampled_at, stamp=stamp, column="timestamp", beside="custom_metrics")


def _action(row_id: UUID, action: AuditedAction, stamp: datetime) -> Facts:
    facts = {
        "id": str(row_id),
        "tenant_id": action.tenant_id,
        "user_id": _text(action.user_id),
        "service_name": action.service_name,
        "action": action.action,
        "resource_type": action.resource_type,
        "resource_id": action.resource_id,
        "details": _clean(action.details),
        "request_id": action.request_id,
        "ip_address": _text(action.ip_address),
        "user_agent": action.user_agent,
        "success": action.success,
        "error_message": _clean_text(action.error),
    }
    return dated(facts, at=action.acted_at, stamp=stamp, column="timestamp", beside="details")


def _call(row_id: UUID, call: AuditedCall, stamp: datetime) -> Facts:
    facts = {
        "id": str(row_id),
        "tenant_id": call.tenant_id,
        "user_id": call.user_id,
        "user_roles": call.user_roles,
        "method": call.method,
        "params": _clean(call.params),
        "request_id": call.request_id,
        "success": call.success,
        "duration_ms": call.duration_ms,
        "error_code": call.error_code,
        "error_message": _clean_text(call.error),
    }
    return dated(facts, at=call.called_at, stamp=stamp, column="timestamp", beside="params")


def _bounded(milliseconds: float | None) -> float | None:
    """Keep a duration from being so long that no sum could be made of it and others."""
    return None if milliseconds is None else min(milliseconds, _LONGEST_MS)


def _answered_at(requested_at: str, duration_ms: float | None) -> str | None:
    if duration_ms is None or duration_ms > _LONGEST_MS:
        return None
    return (datetime.fromisoformat(requested_at) + timedelta(milliseconds=duration_ms)).isoformat()


def _clean(value: Mapping[str, object]) -> dict[str, object]:
    return redacted_json(value) if value else {}


def _clean_text(value: str | None) -> str | None:
    return None if value is None else redacted_text(value)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
