"""Fields of a document, read as a column can keep them; what cannot be kept is noted or makes the entry unusable."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote, urlsplit

LONGEST_NAME: Final = 100
LONGEST_URL: Final = 255
LONGEST_ICON: Final = 500
LONGEST_DESCRIPTION: Final = 10_000
_LONGEST_TYPE: Final = 50
_SHOWN: Final = 80
_PORTS: Final = range(1024, 65536)
_NOT_SLUG: Final = re.compile(r"[^a-z0-9_.-]+")
_URL: Final = re.compile(r"https?://[^\s{}<>\"\x00-\x1f]+", re.IGNORECASE)
_SECRET: Final = re.compile(r"api_?key|token|secret|passw|credential|auth", re.IGNORECASE)
# A parameter of a URL: its separator, its name and its value, unless that is a template.
_PARAMETER: Final = re.compile(r"(?P<separator>[?&;#])(?P<name>[^=?&;#]+)=(?!\{[^&;#]*\}(?:[&;#]|$))(?P<value>[^&;#]+)")
_SECRET_PARAMETER: Final = re.compile(rf"{_SECRET.pattern}|key$|pwd$|^sig$|signature$|^code$", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class Unusable(Exception):
    """An entry says something that cannot be stored."""


def text(document: Mapping[str, Any], *keys: str) -> str:
    """Return the first of these fields that is text and not empty."""
    return next((value.strip() for key in keys if isinstance(value := document.get(key), str) and value.strip()), "")


def objects(document: Mapping[str, Any], *keys: str) -> list[dict[str, Any]]:
    """Return the objects in the first of these fields that is a list."""
    found: Sequence[Any] = next((value for key in keys if isinstance(value := document.get(key), list)), [])
    return [each for each in found if isinstance(each, dict)]


def part(document: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return the first of these fields that is an object, or an empty one."""
    return next((value for key in keys if isinstance(value := document.get(key), dict)), {})


def note_types(document: Mapping[str, Any], notes: list[str], *, texts: Sequence[str], lists: Sequence[str]) -> None:
    """Note the fields that are there but not of the type they should be."""
    for kind, what, keys in ((str, "text", texts), (list, "list", lists)):
        for key in keys:
            value = document.get(key)
            if value is not None and not isinstance(value, kind):
                notes.append(f"its {key} is no {what}")
    for key in lists:
        value = document.get(key)
        others = sum(not isinstance(each, dict) for each in value) if isinstance(value, list) else 0
        if others:
            notes.append(f"{others} of its {key} {'are no objects' if others > 1 else 'is no object'}")


def shortened(value: str, longest: int, what: str, notes: list[str]) -> str:
    """Cut what is too long, and note it."""
    if len(value) > longest:
        notes.append(f"its {what} of {len(value)} characters is cut after {longest}")
    return value[:longest]


def slug(name: str) -> str:
    """Make what messages and URLs call a service; a name that is too long keeps its beginning and a hash."""
    made = _NOT_SLUG.sub("-", name.lower().replace("/", ".")).strip("-._")
    if not made:
        raise Unusable("has no name" if not name else f"has the name {name[:_SHOWN]!r}, of which nothing can be made")
    return (
        made if len(made) <= _LONGEST_TYPE else f"{made[:41]}-{sha256(name.encode(errors='replace')).hexdigest()[:8]}"
    )


def title(name: str) -> str:
    """Make a title of a name that has none."""
    return name.rpartition("/")[2].replace("-", " ").replace("_", " ").strip().title() or name


def port(document: Mapping[str, Any]) -> int | None:
    """Return the port, if there is one; Unusable if it cannot be one."""
    given = document.get("port")
    if given is None:
        return None
    number = int(given) if isinstance(given, str) and _NUMBER.fullmatch(given.strip()) else given
    if not isinstance(number, int) or isinstance(number, bool) or number not in _PORTS:
        shown = repr(given)[:_SHOWN]
        raise Unusable(f"has the port {shown}, which is not between {_PORTS.start} and {_PORTS.stop - 1}")
    return number


def url(given: str, longest: int, what: str, notes: list[str]) -> str | None:
    """Return a URL that can be opened as it is; anything else is noted."""
    if not given:
        return None
    given = without_parameters(given, what, notes)
    problem = _problem(given, longest)
    if problem is None:
        scheme, _, rest = given.partition("://")
        return f"{scheme.lower()}://{rest}"
    notes.append(f"its {what} {without_login(given)[:_SHOWN]!r} {problem}")
    return None


def without_login(given: str) -> str:
    """Take a user and a password out of a URL: no secret is kept in the registry."""
    scheme, separator, rest = given.partition("://")
    end = min((at for at in map(rest.find, "/?#") if at >= 0), default=len(rest))
    return f"{scheme}{separator}{rest[:end].rpartition('@')[2]}{rest[end:]}" if separator else given


def without_parameters(given: str, what: str, notes: list[str]) -> str:
    """Take secrets out of a URL's parameters, and note it."""
    kept = _PARAMETER.sub(_kept, given)
    if kept != given:
        notes.append(f"its {what} has a secret in its parameters, which is not kept")
    return kept


def without_secrets(given: str) -> str:
    """Take out of a URL what the registry must not keep."""
    return without_login(_PARAMETER.sub(_kept, given))


def _kept(parameter: re.Match[str]) -> str:
    is_secret = _SECRET_PARAMETER.search(unquote(parameter["name"]).replace("-", "_"))
    return f"{parameter['separator']}{parameter['name']}=" if is_secret else parameter[0]


def is_secret(variable: Mapping[str, Any]) -> bool:
    """Say whether a variable or header holds a secret: it says so, or says nothing and is called like one."""
    flag = next((variable[key] for key in ("isSecret", "is_secret") if key in variable), None)
    return bool(flag) if flag is not None else _SECRET.search(text(variable, "name")) is not None


def _problem(given: str, longest: int) -> str | None:
    if len(given) > longest:
        return f"is longer than {longest} characters"
    if "{" in given:
        return "is a template"
    if not _URL.fullmatch(given):
        return "is no http(s) URL"
    try:
        parts = urlsplit(given)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        return "has no usable host and port"
    return "has a user or a password in it" if without_login(given) != given else None
