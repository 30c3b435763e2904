"""The fields of a JSON Schema as rows of a Markdown table."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

HEAD: Final = "| field | type | limits | if left out | meaning |\n|---|---|---|---|---|"

_TYPES: Final = {"string": "text", "object": "JSON object", "array": "list"}
_FORMATS: Final = {"uuid": "UUID", "date-time": "time with offset"}
_LIMITS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "pattern": "`{}`",
}
_SIZES: Final = (("minLength", "maxLength", "characters"), ("minItems", "maxItems", "items"))


def rows(schema: Schema, definitions: Schema) -> Iterator[str]:
    """Give a row for each field of an object."""
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        alternatives = [resolved(one, definitions) for one in field.get("anyOf", [field])]
        cells = (
            f"`{name}`",
            " or ".join(_type(one, definitions) for one in alternatives),
            ", ".join(limit for one in alternatives for limit in _limits(one)),
            "refused" if name in required else _default(field),
            field.get("description", ""),
        )
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """Follow a reference."""
    if "$ref" not in schema:
        return schema
    return {"title": _target(schema), **definitions[_target(schema)]}


def _target(schema: Schema) -> str:
    return str(schema["$ref"]).removeprefix("#/$defs/")


def _type(schema: Schema, definitions: Schema) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        item = resolved(schema["items"], definitions)
        return f"list of {item['title']}" if "title" in item else f"list of {_type(item, definitions)}s"
    name = str(schema["type"])
    return _FORMATS.get(schema.get("format", "")) or _TYPES.get(name, name)


def _limits(schema: Schema) -> Iterator[str]:
    for keyword, sentence in _LIMITS.items():
        if keyword in schema:
            value = schema[keyword]
            yield sentence.format(f"{value:,}" if isinstance(value, int) else value)
    for least, most, unit in _SIZES:
        if most in schema:
            yield f"{schema.get(least, 0)} to {schema[most]:,} {unit}"


def _default(field: Schema) -> str:
    if "default" not in field and field.get("type") == "array":
        return "`[]`"
    if "default" not in field:
        return "the id's time" if field.get("format") == "date-time" else "`{}`"
    if field["default"] is None:
        return "null"
    return f"`{field['default']}`" if field["default"] != "" else "empty"
