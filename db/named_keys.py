"""Keys of 32 bytes by name, as settings give them: `NAME:BASE64,NAME:BASE64`."""

import base64
import binascii
import re
from typing import Final

from db.errors import KeyRefused

KEY_BYTES: Final = 32
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def named_keys(text: str, *, setting: str, example: str) -> dict[str, bytes]:
    """Read the keys of a setting in their order; KeyRefused says what is wrong without repeating a key."""
    keys: dict[str, bytes] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, _, encoded = entry.partition(":")
        if not _NAME.fullmatch(name):
            raise KeyRefused(f"A key in {setting} has no usable name: give each as {example}.")
        if name in keys:
            raise KeyRefused(f"{setting} has two keys called {name}: give each a name of its own.")
        keys[name] = decoded_key(encoded, what=f"The key {name} in {setting}", example=example)
    return keys


def decoded_key(encoded: str, *, what: str, example: str) -> bytes:
    """Read one key."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyRefused(f"{what} is not {KEY_BYTES} bytes in base64: give it as {example}.")
    return key
