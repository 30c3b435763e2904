"""JSON Schemas of what travels, for producers in other languages."""

from collections.abc import Mapping
from inspect import cleandoc
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from .envelope import ENCODING, NAMESPACE
from .message import Message

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_UUID_7: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out the titles of fields, which only repeat their names."""

    def field_title_should_be_set(self, schema: object) -> bool:
        del schema
        return False


def payload_schema(contract: type[Message]) -> dict[str, Any]:
    """Give the JSON Schema of a message's payload, which is what a producer writes into ``args``."""
    schema = contract.model_json_schema(schema_generator=_WithoutTitles)
    properties = {name: field for name, field in schema.pop("properties").items() if name != "message_id"}
    description = cleandoc(schema.pop("description", ""))
    return {
        "$schema": _DIALECT,
        "$id": f"urn:minimcp:{contract.wire_name}",
        "title": schema.pop("title"),
        "description": description,
        "properties": properties,
        **schema,
    }


def envelope_schema(contracts: Mapping[str, type[Message]]) -> dict[str, Any]:
    """Give the JSON Schema of the envelope around every payload."""
    message_id = {"type": "string", "pattern": _UUID_7}
    properties: dict[str, Any] = {
        "queue_name": {"enum": sorted({contract.queue.value for contract in contracts.values()})},
        "actor_name": {"enum": sorted(contracts), "description": "The wire name of the message."},
        "args": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {"type": ["object", "string"]},
            "description": "The payload; or the base64 of its zlib stream, if the options have an encoding.",
        },
        "kwargs": {"type": "object", "maxProperties": 0},
        "options": {
            "type": "object",
            "properties": {
                "redis_message_id": message_id | {"description": "The same as message_id."},
                "encoding": {"const": ENCODING, "description": "The payload is compressed."},
                "payload_bytes": {"type": "integer", "minimum": 0, "description": "How long its JSON is."},
            },
            "required": ["redis_message_id"],
        },
        "message_id": message_id | {"description": "A UUID of version 7: the same id is applied once."},
        "message_timestamp": {"type": "integer", "minimum": 0, "description": "Unix time in milliseconds."},
    }
    return {
        "$schema": _DIALECT,
        "$id": "urn:minimcp:envelope",
        "title": "Envelope",
        "description": (
            f"One message as the value of its id in the hash {NAMESPACE}:<queue_name>.msgs;"
            " the only argument is the payload, whose schema has the name in actor_name."
        ),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
