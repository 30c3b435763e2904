"""Text and JSON that PostgreSQL can store: refused when a caller chose it, mended when a process printed it."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final, cast

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

MAX_TEXT: Final = 2_000
MAX_DEPTH: Final = 64

_MAX_INTEGER: Final = 2**63 - 1
_TRUNCATED: Final = "… [truncated]"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def mended(text: str) -> str:
    """Replace NUL and lone surrogates by U+FFFD."""
    if text.isascii():
        return text.replace("\x00", "\ufffd")
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def cut(longest: int) -> Callable[[object], object]:
    """Make a step that mends a text that a program printed and cuts it to a length; the end of it says so."""

    def mend(value: object) -> object:
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        if not isinstance(value, str):
            return value
        text = mended(value)
        return text if len(text) <= longest else text[: longest - len(_TRUNCATED)] + _TRUNCATED

    return mend


def _storable(text: str) -> str:
    if "\x00" in text:
        message = "contains a NUL character, which cannot be stored"
        raise ValueError(message)
    if _SURROGATE.search(text):
        message = "is not valid Unicode: it has half of a surrogate pair"
        raise ValueError(message)
    return text


class _Refusal:
    """Refuses what cannot be stored."""

    def text(self, text: str) -> str:
        return _storable(text)

    def number(self, number: float) -> JsonValue:
        if not math.isfinite(number):
            message = "contains a number that JSON does not have"
            raise ValueError(message)
        return number

    def integer(self, number: int) -> JsonValue:
        if abs(number) > _MAX_INTEGER:
            message = "contains an integer over 64 bits"
            raise ValueError(message)
        return number

    def too_deep(self) -> JsonValue:
        message = f"is nested more than {MAX_DEPTH} levels deep"
        raise ValueError(message)


class _Mending:
    """Replaces what cannot be stored by something that can, and that shows it."""

    def text(self, text: str) -> str:
        return mended(text)

    def number(self, number: float) -> JsonValue:
        return number if math.isfinite(number) else str(number)

    def integer(self, number: int) -> JsonValue:
        return number if abs(number) <= _MAX_INTEGER else "… [integer over 64 bits]"

    def too_deep(self) -> JsonValue:
        return "… [nested too deep]"


@dataclass(frozen=True)
class _Walk:
    """Goes through a JSON value and treats every leaf; what is not JSON is left to the contract to refuse."""

    treatment: _Refusal | _Mending

    def __call__(self, value: object, depth: int = 0) -> object:
        if isinstance(value, str):
            return self.treatment.text(value)
        if isinstance(value, float):
            return self.treatment.number(value)
        if isinstance(value, int):
            return self.treatment.integer(value)
        if isinstance(value, (list, dict)):
            inside = cast("list[object] | dict[object, object]", value)
            return self._inside(inside, depth + 1) if depth < MAX_DEPTH else self.treatment.too_deep()
        return value

    def _inside(self, value: list[object] | dict[object, object], depth: int) -> object:
        if isinstance(value, list):
            return [self(item, depth) for item in value]
        return {self(key): self(item, depth) for key, item in value.items()}


def mended_json(value: object) -> object:
    """Replace whatever of a JSON value cannot be stored by something that can, and that shows it."""
    return _Walk(_Mending())(value)


Text = Annotated[str, AfterValidator(_storable)]
"""A string that PostgreSQL can store; others are refused."""

Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_storable)]

Sentence = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_storable)]

JsonObject = Annotated[dict[str, JsonValue], BeforeValidator(_Walk(_Refusal()))]
"""A JSON object that PostgreSQL can store; others are refused."""

MendedJsonObject = Annotated[dict[str, JsonValue], BeforeValidator(_Walk(_Mending()))]
"""A JSON object in which NUL, lone surrogates, numbers beyond JSON or 64 bits and excessive depth are replaced."""
