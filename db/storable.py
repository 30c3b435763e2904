"""Text and JSON as PostgreSQL can hold them."""

import json
import math
import re
from typing import Final

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Replace NUL and lone surrogates, of which one would fail the whole statement."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable_json(value: object) -> str:
    """Return JSON that a jsonb column takes, whatever strings and numbers the value holds."""
    try:
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except ValueError:
        return json.dumps(_cleaned(value), ensure_ascii=False)
    # JSON writes NUL as an escape, so it survives both tests above and jsonb refuses it.
    return json.dumps(_cleaned(value), ensure_ascii=False) if "\\u0000" in written else written


def _cleaned(value: object) -> object:
    match value:
        case str():
            return storable(value)
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {storable(str(key)): _cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [_cleaned(item) for item in value]
        case _:
            return value
