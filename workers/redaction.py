"""Keeps secrets out of what is stored for people to read."""

import json
import re
from typing import Final

REDACTED: Final = "[redacted]"

_SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|api_?key|private_?key|authorization|credential|cookie", re.IGNORECASE
)
_FINGERPRINT_NAME: Final = re.compile(r"_(hash|hint|id|fingerprint)$")
_SECRET_TEXT: Final = re.compile(
    r"(?P<name>(?:pass(?:word|wd|phrase)|secret|token|api[_-]?key|private[_-]?key|credential|cookie)"
    r"[\"']?\s*[=:]\s*[\"']?)(?P<value>[^\s\"',;}&]+)"
    r"|(?P<scheme>(?:authorization[\"']?\s*[=:]\s*[\"']?)?(?:bearer|basic)\s+)(?P<credentials>[A-Za-z0-9+/=._~-]{8,})"
    # Bounded, and only at the start of a word: a payload may be one word of a million letters.
    r"|(?P<url>(?<![a-z0-9])[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{0,100}:)(?P<password>[^\s/@]+)(?=@)"
    r"|(?P<prefixed>\b(?:sk|pk|ghp|gho|xox[abp]|figd)[-_][A-Za-z0-9_-]{12,})",
    re.IGNORECASE,
)


def redacted_text(text: str) -> str:
    """Replace what looks like a secret in a text."""
    return _SECRET_TEXT.sub(_replacement, text)


def redacted_payload(raw: bytes) -> tuple[str, bool]:
    """Give an envelope for storing, and whether anything was taken out of it.

    An envelope that nothing was taken out of is given back to the letter, so it can be replayed.
    """
    text = raw.decode("utf-8", "replace").replace("\x00", "\ufffd")
    try:
        envelope = json.loads(text)
    except (ValueError, RecursionError):
        return redacted_text(text), True
    clean = _walk(envelope)
    return (text, False) if clean == envelope else (json.dumps(clean), True)


def _walk(value: object) -> object:
    if isinstance(value, dict):
        return {key: REDACTED if _is_secret(key, item) else _walk(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_walk(item) for item in value]
    return redacted_text(value) if isinstance(value, str) else value


def _is_secret(name: str, value: object) -> bool:
    return bool(value) and bool(_SECRET_NAME.search(name)) and not _FINGERPRINT_NAME.search(name)


def _replacement(match: "re.Match[str]") -> str:
    kept = match["name"] or match["scheme"] or match["url"] or ""
    return kept + REDACTED
