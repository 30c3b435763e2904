"""Text and JSON that PostgreSQL can store: refused when a caller chose it, mended when a process printed it."""

import math
from collections.abc import Callable
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue

MAX_TEXT: Final = 2_000


def _refuse_nul(value: str) -> str:
    if "\x00" in value:
        message = "contains a NUL character, which cannot be stored"
        raise ValueError(message)
    return value


def mended(text: str) -> str:
    """Replace NUL and lone surrogates by U+FFFD."""
    return text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _mended_float(number: float) -> JsonValue:
    return number if math.isfinite(number) else str(number)


def _refuse_not_finite(number: float) -> JsonValue:
    if not math.isfinite(number):
        message = "contains a number that JSON does not have"
        raise ValueError(message)
    return number


def _walk(value: JsonValue, text: Callable[[str], str], number: Callable[[float], JsonValue]) -> JsonValue:
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return [_walk(item, text, number) for item in value]
    if isinstance(value, dict):
        return {text(key): _walk(item, text, number) for key, item in value.items()}
    return value


def _refuse_unstorable_json(value: dict[str, JsonValue]) -> JsonValue:
    return _walk(value, _refuse_nul, _refuse_not_finite)


def _mend_json(value: object) -> object:
    return _walk(value, mended, _mended_float) if isinstance(value, dict) else value


Text = Annotated[str, AfterValidator(_refuse_nul)]
"""A string that PostgreSQL can store; others are refused."""

Name = Annotated[Text, Field(min_length=1, max_length=255)]

Sentence = Annotated[Text, Field(min_length=1, max_length=MAX_TEXT)]

JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_refuse_unstorable_json)]
"""A JSON object that PostgreSQL can store; others are refused."""

MendedJsonObject = Annotated[dict[str, JsonValue], BeforeValidator(_mend_json)]
"""A JSON object in which NUL, lone surrogates and numbers that are not finite are replaced."""
