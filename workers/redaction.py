"""Keeps secrets out of what is stored for people to read.

It takes out too much rather than too little, but only text: a number or a yes is no secret.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

REDACTED: Final = "[redacted]"

_OUR_OWN: Final = frozenset({"access_token_hash", "access_token_hint"})
"""Fields of our contracts that are made to be shown."""

_WORDS: Final = (
    r"pass[_-]?words?|passwd|pwd|pass[_-]?phrases?|secrets?|token|(?:api|access|private|sealed)[ _-]?keys?"
    r"|authorization|credentials?|cookies?|jwt"
)
_SECRET_NAME: Final = re.compile(rf"(?:^|_)(?:{_WORDS})(?:_|$)")
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_GAP: Final = re.compile(r"[^A-Za-z0-9]+")

# A name has to begin where a word begins; `maxToken` has two of them, `tokenizer` and `max_tokens` no `token`.
_BEGIN: Final = r"(?:(?<![A-Za-z])|(?-i:(?<=[a-z])(?=[A-Z])))"
_IS: Final = r"(?:[ _-]?(?:id|value|[0-9]{1,3}))?\\{0,4}[\"']?\s{0,20}[=:]\s{0,20}"

# What follows a quote ends at the next one, blanks or not; possessive, so that nothing is looked at twice.
_QUOTED: Final = r"\\{1,4}[\"'](?:[^\"'\\])++|\"(?:[^\"\\]|\\.)++|'(?:[^'\\]|\\.)++"
_STEMS: Final = ("pass", "pwd", "secret", "token", "key", "authorization", "credential", "cookie", "jwt")
_PREFIXES: Final = ("sk", "pk", "ghp", "gho", "xoxa", "xoxb", "xoxp", "figd")
_PATTERNS: Final = tuple(
    (stems, re.compile(pattern, re.IGNORECASE | re.DOTALL))
    for stems, pattern in (
        # Headers: all of the line, or of the quotes that the line is in.
        (
            ("authorization", "cookie"),
            rf"(?P<kept>{_BEGIN}(?:authorization|cookies?){_IS})(?P<value>{_QUOTED}|[^\r\n\"']++)",
        ),
        (_STEMS, rf"(?P<kept>{_BEGIN}(?:{_WORDS}){_IS})(?P<value>{_QUOTED}|[^\s\"',;}}&]++)"),
        (
            _STEMS,
            rf"(?P<kept>(?<![a-z0-9])--?(?:[a-z0-9]{{1,20}}[_-]){{0,3}}(?:{_WORDS})\s{{1,20}})(?P<value>{_QUOTED}|[^\s\"'-]\S*+)",
        ),
        (("bearer", "basic"), r"(?P<kept>\b(?:bearer|basic)\s{1,20})(?P<value>[A-Za-z0-9+/=._~-]{8,})"),
        # Bounded, and only at the start of a word: a payload may be one word of a million letters.
        (("://",), r"(?P<kept>(?<![a-z0-9])[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{0,100}:)(?P<value>[^\s/@]+)(?=@)"),
        (
            tuple(prefix + sign for prefix in _PREFIXES for sign in "-_"),
            rf"(?P<kept>)(?P<value>\b(?:{'|'.join(_PREFIXES)})[-_][A-Za-z0-9_-]{{12,}})",
        ),
    )
)
"""Patterns, each with what a text has in small letters, some of it at least, if the pattern finds anything there."""


def redacted_text(text: str) -> str:
    """Replace what looks like a secret in a text."""
    # Other letters than those of ASCII may be the same to a pattern: K, the sign of Kelvin, is a k.
    small = text.lower() if text.isascii() else None
    for stems, pattern in _PATTERNS:
        if small is None or any(stem in small for stem in stems):
            text = pattern.sub(_replacement, text)
    return text


def redacted_json(value: Mapping[str, object]) -> dict[str, object]:
    """Copy a JSON object without its secrets."""
    return {name: _walk(item, secret=_is_secret(name)) for name, item in value.items()}


def redacted_payload(raw: bytes) -> tuple[str, bool]:
    """Give an envelope for storing, and whether anything was taken out of it.

    An envelope that nothing was taken out of is given back to the letter, so it can be replayed.
    """
    text = raw.decode("utf-8", "replace").replace("\x00", "\ufffd")
    try:
        envelope = json.loads(text)
        clean = _walk(envelope)
        return (text, False) if clean == envelope else (json.dumps(clean), True)
    except (ValueError, RecursionError):
        return redacted_text(text), True


def _walk(value: object, *, secret: bool = False) -> object:
    """Copy a value without its secrets; below the name of a secret every text is one."""
    if isinstance(value, dict):
        return {name: _walk(item, secret=secret or _is_secret(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_walk(item, secret=secret or follows) for item, follows in zip(value, _after_flags(value), strict=True)]
    if not isinstance(value, str):
        return value
    return REDACTED if secret and value else redacted_text(value)


def _after_flags(items: Iterable[object]) -> Iterable[bool]:
    """Tell of each item whether it is the argument of a flag like ``--password`` before it."""
    follows = False
    for item in items:
        is_flag = isinstance(item, str) and item.startswith("-")
        yield follows and isinstance(item, str) and not is_flag
        follows = is_flag and "=" not in str(item) and _is_secret(str(item))


def _is_secret(name: str) -> bool:
    words = _GAP.sub("_", _HUMP.sub("_", name)).lower()
    return name not in _OUR_OWN and _SECRET_NAME.search(words) is not None


def _replacement(match: "re.Match[str]") -> str:
    return match["kept"] + REDACTED
