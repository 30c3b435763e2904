"""The two types of media of OTLP/HTTP: what is read from a body, and what is written into an answer."""

import json
from base64 import b64encode
from enum import StrEnum
from typing import Final, cast

from google.protobuf.json_format import MessageToJson, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from ..inflating import Form, InflatedTooLarge, InflationError, inflated
from .refusals import RefusalError, RequestTooLarge, UndecodableRequest, UnsupportedMedia

_FORMS: Final = {"gzip": Form.GZIP, "x-gzip": Form.GZIP, "deflate": Form.ZLIB}


class Media(StrEnum):
    """A type of media; its value is its name."""

    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"

    @classmethod
    def of(cls, content_type: str) -> "Media":
        """Read a Content-Type."""
        try:
            return cls(content_type.partition(";")[0].strip().lower())
        except ValueError:
            message = f"the Content-Type is {content_type[:100]!r}: send {cls.PROTOBUF} or {cls.JSON}"
            raise UnsupportedMedia(message) from None

    def request(self, body: bytes) -> ExportLogsServiceRequest:
        """Read the decompressed body of an export."""
        try:
            if self is Media.JSON:
                return _with_ids(_parsed(body))
            return ExportLogsServiceRequest.FromString(body)
        except (DecodeError, ParseError, ValueError, RecursionError) as error:
            message = f"the body is not an ExportLogsServiceRequest in {self}: {str(error)[:300]}"
            raise UndecodableRequest(message) from None

    def accepted(self, rejected: int, reasons: str) -> bytes:
        """Write that all records were taken, or how many were not and why."""
        response = ExportLogsServiceResponse()
        if rejected:
            partial = ExportLogsPartialSuccess(rejected_log_records=rejected, error_message=reasons)
            response.partial_success.CopyFrom(partial)
        return self._written(response)

    def refused(self, refusal: RefusalError) -> bytes:
        """Write why nothing was taken, as a google.rpc.Status."""
        return self._written(Status(code=refusal.code, message=str(refusal)))

    def _written(self, message: Message) -> bytes:
        return MessageToJson(message, indent=None).encode() if self is Media.JSON else message.SerializeToString()


def _parsed(body: bytes) -> ExportLogsServiceRequest:
    fields = json.loads(body)
    if not isinstance(fields, dict):
        message = "it is not an object"
        raise ParseError(message)
    return ParseDict(cast("dict[str, object]", fields), ExportLogsServiceRequest(), ignore_unknown_fields=True)


def _with_ids(request: ExportLogsServiceRequest) -> ExportLogsServiceRequest:
    """Read the ids anew: OTLP writes them in hexadecimal, where JSON of protobuf has base64."""
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                record.trace_id, record.span_id = _unhexed(record.trace_id), _unhexed(record.span_id)
    return request


def _unhexed(misread: bytes) -> bytes:
    try:
        return bytes.fromhex(b64encode(misread).decode())
    except ValueError:
        return b""


def decompressed(body: bytes, encoding: str, *, most: int) -> bytes:
    """Undo a Content-Encoding; never make more than ``most`` bytes of it."""
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in _FORMS:
        message = f"the Content-Encoding is {name[:100]!r}: send gzip, deflate or none"
        raise UnsupportedMedia(message)
    try:
        return inflated(body, _FORMS[name], most=most)
    except InflatedTooLarge as error:
        message = f"the body is too large, {error}: send smaller batches"
        raise RequestTooLarge(message) from None
    except InflationError as error:
        message = f"the body is not {name}, {error}"
        raise UndecodableRequest(message) from None
