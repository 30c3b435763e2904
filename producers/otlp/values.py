"""Attributes and bodies of OpenTelemetry as JSON and as text."""

import json
from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

if TYPE_CHECKING:
    from pydantic import JsonValue


def json_object(pairs: Iterable[KeyValue]) -> "dict[str, JsonValue]":
    """Give attributes as an object; of a key that comes twice the last counts."""
    return {pair.key: json_value(pair.value) for pair in pairs}


def json_value(value: AnyValue) -> "JsonValue":
    """Give a value as JSON, bytes in base64."""
    match value.WhichOneof("value"):
        case "array_value":
            return [json_value(each) for each in value.array_value.values]
        case "kvlist_value":
            return json_object(value.kvlist_value.values)
        case "bytes_value":
            return b64encode(value.bytes_value).decode()
        case ("string_value" | "bool_value" | "int_value" | "double_value") as kind:
            scalar: str | bool | int | float = getattr(value, kind)
            return scalar
        case _:
            return None


def text(value: AnyValue) -> str:
    """Give a body as the text of a line."""
    found = json_value(value)
    if found is None:
        return ""
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
