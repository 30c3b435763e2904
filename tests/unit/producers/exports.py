"""Exports of OpenTelemetry to spoil one by one."""

import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from producers.otlp.receiver import Export, Receiver
from producers.producer import Producer

INSTANCE: Final = UUID("0b0e6f0e-6f3f-4c0e-9d3a-0d7f3f1b2c4d")
PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"
MOST: Final = 4_194_304


def nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 10**9 + moment.microsecond * 1_000


def attributes(**values: str) -> list[KeyValue]:
    """Make attributes; `__` stands for a dot."""
    return [KeyValue(key=name.replace("__", "."), value=AnyValue(string_value=value)) for name, value in values.items()]


def record(text: str = "listening", **fields: Any) -> LogRecord:  # noqa: ANN401  any field of a record
    given: dict[str, Any] = {"observed_time_unix_nano": nanoseconds(datetime.now(UTC))}
    return LogRecord(body=AnyValue(string_value=text), **given | fields)


def request(*records: LogRecord, **resource: str) -> ExportLogsServiceRequest:
    """Put records of the instance, or of the resource with these attributes, into a request."""
    about = Resource(attributes=attributes(**resource or {"mcp__instance_id": str(INSTANCE)}))
    return ExportLogsServiceRequest(
        resource_logs=[ResourceLogs(resource=about, scope_logs=[ScopeLogs(log_records=records)])]
    )


def export(*records: LogRecord, **resource: str) -> Export:
    return Export(request(*records, **resource).SerializeToString(), PROTOBUF)


def receiver(producer: Producer) -> Receiver:
    return Receiver(producer, most_bytes=MOST)


def written(*records: dict[str, Any], instance: object = str(INSTANCE)) -> bytes:
    """Write a request in OTLP's own JSON."""
    about = [{"key": "mcp.instance_id", "value": {"stringValue": instance}}]
    logs = {"resource": {"attributes": about}, "scopeLogs": [{"logRecords": list(records)}]}
    return json.dumps({"resourceLogs": [logs]}).encode()
