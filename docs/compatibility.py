"""Whether a JSON Schema still takes every message that it took before.

A contract may gain optional fields and take more than it took.  Anything else would turn away
messages that are on their way already, and so needs a new wire name.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Schema = Mapping[str, Any]

_LOWER_BOUNDS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SHAPES: Final = ("pattern", "format", "additionalProperties")


class NotAdditive(Exception):
    """A contract would refuse or read differently what it took before; it needs a new wire name."""


def breaks(old: Schema, new: Schema) -> list[str]:
    """Give a sentence for each change that is not additive."""
    return list(_breaks(_resolved(old, old), _resolved(new, new), "the payload"))


def _breaks(old: Schema, new: Schema, place: str) -> Iterator[str]:
    if "default" in old and old["default"] != new.get("default", ...):
        yield f"the default of {place} changed, so a message without it means something else"
    if "anyOf" in old or "anyOf" in new:
        yield from _lost_alternatives(old, new, place)
        return
    yield from _changed_type(old, new, place)
    yield from _narrowed_limits(old, new, place)
    yield from _changed_fields(old, new, place)
    if "items" in new:
        yield from _breaks(old.get("items", {}), new["items"], f"an item of {place}")


def _lost_alternatives(old: Schema, new: Schema, place: str) -> Iterator[str]:
    """Let each old alternative find a new one that takes it; tell the smallest obstacle if none does."""
    for before in _alternatives(old):
        objections = [list(_breaks(before, after, place)) for after in _alternatives(new)]
        if all(objections):
            yield from min(objections, key=len)


def _alternatives(schema: Schema) -> list[Schema]:
    alone = {name: value for name, value in schema.items() if name != "default"}
    return list(schema.get("anyOf", [alone]))


def _changed_type(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, after = old.get("type", "anything"), new.get("type", "anything")
    if after not in {before, "anything"} and (before, after) != ("integer", "number"):
        yield f"the type of {place} changed from {before} to {after}"
    if "enum" in new:
        gone = [str(value) for value in old.get("enum", ["other values"]) if value not in new["enum"]]
        if gone:
            yield f"{place} no longer takes {', '.join(gone)}"
    for keyword in _SHAPES:
        if keyword in new and old.get(keyword) != new[keyword]:
            yield f"the {keyword} of {place} changed"


def _narrowed_limits(old: Schema, new: Schema, place: str) -> Iterator[str]:
    for keyword in _LOWER_BOUNDS:
        if keyword in new and (keyword not in old or new[keyword] > old[keyword]):
            yield f"the {keyword} of {place} rose to {new[keyword]}"
    for keyword in _UPPER_BOUNDS:
        if keyword in new and (keyword not in old or new[keyword] < old[keyword]):
            yield f"the {keyword} of {place} fell to {new[keyword]}"


def _changed_fields(old: Schema, new: Schema, place: str) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name in after:
            yield from _breaks(before[name], after[name], name if place == "the payload" else f"{name} of {place}")
        else:
            yield f"the field {name} of {place} is gone"
    for name in new.get("required", []):
        if name not in old.get("required", []):
            yield f"the field {name} of {place} is required now"


def _resolved(schema: Any, root: Schema) -> Any:  # noqa: ANN401  a schema holds any JSON
    """Put what is referred to in the place of each reference; contracts do not contain themselves."""
    if isinstance(schema, list):
        return [_resolved(item, root) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        return _resolved({**target, **rest}, root)
    return {name: _resolved(value, root) for name, value in schema.items() if name != "$defs"}
