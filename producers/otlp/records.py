"""Log records as lines of instances."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import TYPE_CHECKING, Final
from uuid import UUID

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from .. import levels
from ..errors import InvalidMessage
from ..messages.logs import LogLine
from .refusals import RequestTooLarge
from .values import json_object, text

if TYPE_CHECKING:
    from pydantic import JsonValue

    from ..messages.logs import Level

INSTANCE: Final = "mcp.instance_id"
SERVICE_INSTANCE: Final = "service.instance.id"

MOST_RECORDS: Final = 50_000
"""Records of one request: empty ones take two bytes on the way, and many more here."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_NANOSECONDS: Final = 86_400 * 10**9

# How OpenTelemetry numbers severities: four numbers each for trace, debug, info, warn, error and fatal.
_LEVELS: Final[tuple["Level", ...]] = ("debug", "debug", "info", "warn", "error", "error")
_PER_LEVEL: Final = 4

Attributes = Mapping[str, "JsonValue"]


class _Stray(Exception):
    """A record belongs to no instance."""


@dataclass(frozen=True)
class Records:
    """The lines of a request, how many records were rejected for which reason, and when the request was made.

    ``made`` is the same for the same request; None when none of its records has a time.
    """

    lines: list[LogLine] = field(default_factory=list[LogLine])
    rejected: Counter[str] = field(default_factory=Counter[str])
    made: datetime | None = None


@dataclass(frozen=True)
class _Frame:
    """What records of one scope of one resource share."""

    instance: Attributes
    metadata: Attributes


def read(request: ExportLogsServiceRequest, *, now: datetime) -> Records:
    """Make a line of every record that names its instance; ``now`` is the time of those that have none."""
    count = sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
    if count > MOST_RECORDS:
        message = f"it has {count:,} records, the limit is {MOST_RECORDS:,}: send smaller batches"
        raise RequestTooLarge(message)
    made = _made(request)
    records = Records(made=made)
    for frame, record in _framed(request):
        try:
            records.lines.append(_line(frame, record, made or now))
        except (_Stray, InvalidMessage) as error:
            records.rejected[str(error)] += 1
    return records


def _made(request: ExportLogsServiceRequest) -> datetime | None:
    """Tell when a request was made from nothing but its records; a few with wild times do not count."""
    times = [
        record.observed_time_unix_nano or record.time_unix_nano
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
        if record.observed_time_unix_nano or record.time_unix_nano
    ]
    if not times:
        return None
    latest = median_low(times) + _DAY_NANOSECONDS
    return _moment(max(time for time in times if time <= latest))


def _moment(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1_000)


def _framed(request: ExportLogsServiceRequest) -> Iterator[tuple[_Frame, LogRecord]]:
    for resource in request.resource_logs:
        attributes = json_object(resource.resource.attributes)
        for scope in resource.scope_logs:
            told = {"name": scope.scope.name, "version": scope.scope.version}
            metadata = _given(resource=_others(attributes), scope=_given(**told))
            for record in scope.log_records:
                yield _Frame(attributes, metadata), record


def _line(frame: _Frame, record: LogRecord, otherwise: datetime) -> LogLine:
    attributes = json_object(record.attributes)
    time = record.time_unix_nano or record.observed_time_unix_nano
    return LogLine(
        instance_id=_instance_id(attributes, frame.instance),
        timestamp=_moment(time) if time else otherwise,
        level=_level(record),
        message=text(record.body) or record.event_name,
        metadata={**frame.metadata, **_metadata(record, attributes)},
    )


def _metadata(record: LogRecord, attributes: Attributes) -> Attributes:
    return _given(
        attributes=_others(attributes),
        event=record.event_name,
        severity=record.severity_text,
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        flags=record.flags,
    )


def _instance_id(*places: Attributes) -> UUID:
    for attributes in places:
        if INSTANCE in attributes:
            return _uuid(attributes[INSTANCE])
    for attributes in places:
        if SERVICE_INSTANCE in attributes:
            return _uuid(attributes[SERVICE_INSTANCE], f"{SERVICE_INSTANCE} is no UUID and there is no {INSTANCE}")
    message = f"there is no attribute {INSTANCE}"
    raise _Stray(message)


def _uuid(value: "JsonValue", problem: str = f"{INSTANCE} is no UUID") -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise _Stray(problem) from None


def _level(record: LogRecord) -> "Level":
    place = (record.severity_number - 1) // _PER_LEVEL
    if 0 <= place < len(_LEVELS):
        return _LEVELS[place]
    return levels.of_name(record.severity_text) or "info"


def _others(attributes: Attributes) -> "dict[str, JsonValue]":
    return {key: value for key, value in attributes.items() if key != INSTANCE}


def _given(**fields: "JsonValue") -> "dict[str, JsonValue]":
    return {name: value for name, value in fields.items() if value}
