"""Definitions of shared services, as real files hold them.

Three kinds are read: our own (one object per service, snake_case or camelCase), and both generations of the official
MCP registry's `server.json`: the older with `version_detail` and `registry_name`, the newer with `registryType`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from db.entries import Entry, entries

_LONGEST_TYPE: Final = 50
_LONGEST_NAME: Final = 100
_LONGEST_URL: Final = 255
_URL: Final = re.compile(r"https?://[^ {}]+")
_NOT_SLUG: Final = re.compile(r"[^a-z0-9_.-]+")
_NUMBERS: Final = re.compile(r"[0-9]{1,18}")
_AUTH: Final = {"oauth": "oauth2", "basic": "basic_auth", "apikey": "api_key", "bearer": "api_key", "token": "api_key"}
_SUFFIXES: Final = frozenset({".json", ".jsonl", ".ndjson"})
_GONE: Final = frozenset({"deleted", "deprecated"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A service as a file defines it; `source` says where, `notes` what of it could not be kept."""

    source: str
    service_type: str
    name: str
    display_name: str
    description: str | None = None
    icon_url: str | None = None
    category: str | None = None
    port: int | None = None
    base_url: str | None = None
    health_check_endpoint: str = "/health"
    auth_type: str = "api_key"
    service_config: Mapping[str, object] = field(default_factory=dict)
    is_available: bool = True
    version: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """An entry that is not imported, and why."""

    source: str
    reason: str


class _Unusable(Exception):
    """An entry says something that cannot be stored."""


def read(path: Path) -> Iterator[Definition | Skipped]:
    """Give every definition of a file, or of all JSON files of a folder and the folders in it."""
    files = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES) if path.is_dir() else [path]
    for file in files:
        name = str(file.relative_to(path)) if path.is_dir() else file.name
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            yield Skipped(name, f"cannot be read: {error}")
            continue
        for entry in entries(text):
            yield _definition(f"{name}:{entry.line}", entry, file)


def newest(found: Iterator[Definition | Skipped]) -> list[Definition | Skipped]:
    """Keep one definition of each name, the newest version, and of two names for one type the first."""
    kept: dict[str, Definition] = {}
    rest: list[Definition | Skipped] = []
    for each in found:
        if isinstance(each, Skipped):
            rest.append(each)
            continue
        rival = kept.get(each.name)
        if rival is None:
            kept[each.name] = each
            continue
        older, newer = (each, rival) if _order(each) < _order(rival) else (rival, each)
        kept[each.name] = newer
        rest.append(Skipped(older.source, f"{older.name} is defined again, newer or later, at {newer.source}"))
    taken: set[str] = set()
    for each in kept.values():
        if each.service_type in taken:
            rest.append(Skipped(each.source, f"{each.name} would be called {each.service_type}, as another one is"))
        else:
            rest.append(each)
        taken.add(each.service_type)
    return rest


def _order(definition: Definition) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBERS.findall(definition.version)[:4])


def _definition(source: str, entry: Entry, file: Path) -> Definition | Skipped:
    if entry.problem is not None:
        return Skipped(source, entry.problem)
    document = entry.value
    if isinstance(document, dict) and isinstance(document.get("server"), dict):
        # The registry's own lists wrap each document and put its state beside it.
        document = {**document["server"], "status": _status(document)}
    if not isinstance(document, dict):
        return Skipped(source, "not an object")
    try:
        official = any(key in document for key in ("packages", "remotes", "version_detail", "$schema"))
        return _official(source, document) if official else _own(source, document, file)
    except _Unusable as unusable:
        return Skipped(source, str(unusable))


def _status(wrapped: Mapping[str, Any]) -> object:
    meta = wrapped.get("_meta")
    for part in meta.values() if isinstance(meta, dict) else ():
        if isinstance(part, dict) and "status" in part:
            return part["status"]
    return wrapped["server"].get("status")


def _own(source: str, document: Mapping[str, Any], file: Path) -> Definition:
    name = _text(document, "service_type", "serviceType", "name", "id") or (
        file.parent.name if file.stem == "config" else ""
    )
    auth = document.get("auth")
    kind = _text(auth if isinstance(auth, dict) else document, "type", "auth_type", "authType").lower()
    kind = _text(document, "auth_type", "authType").lower() or kind or "api_key"
    notes: list[str] = []
    return Definition(
        source=source,
        service_type=_slug(name),
        name=name,
        display_name=(_text(document, "display_name", "displayName", "title") or _title(name))[:_LONGEST_NAME],
        description=_text(document, "description") or None,
        icon_url=_url(_text(document, "icon_url", "iconUrl", "icon"), 500, "icon", notes),
        category=_text(document, "category")[:100] or None,
        port=_port(document),
        base_url=_url(_text(document, "base_url", "baseUrl", "url"), _LONGEST_URL, "URL", notes),
        health_check_endpoint=_text(document, "health_check_endpoint", "healthCheckEndpoint") or "/health",
        auth_type=_AUTH.get(kind.replace("_", "").replace("-", ""), kind),
        version=_text(document, "version"),
        notes=tuple(notes),
    )


def _official(source: str, document: Mapping[str, Any]) -> Definition:
    name = _text(document, "name")
    detail = document.get("version_detail")
    version = _text(detail, "version") if isinstance(detail, dict) else _text(document, "version")
    packages = [_package(each) for each in _objects(document, "packages")]
    remotes = [
        {"transport": _text(each, "type", "transport_type"), "url": _text(each, "url")}
        for each in _objects(document, "remotes")
    ]
    notes: list[str] = []
    urls = [_url(remote["url"], _LONGEST_URL, "URL", notes) for remote in remotes]
    icons = [_text(each, "src") for each in _objects(document, "icons")]
    repository = document.get("repository")
    return Definition(
        source=source,
        service_type=_slug(name),
        name=name,
        display_name=(_text(document, "title") or _title(name))[:_LONGEST_NAME],
        description=_text(document, "description") or None,
        icon_url=_url(icons[0] if icons else "", 500, "icon", notes),
        category="registry",
        base_url=next((url for url in urls if url), None),
        auth_type="api_key" if _has_secret(document) else "none",
        service_config={
            "name": name,
            "version": version,
            "repository": _text(repository, "url") if isinstance(repository, dict) else "",
            "packages": packages,
            "remotes": remotes,
        },
        is_available=_text(document, "status").lower() not in _GONE,
        version=version,
        notes=tuple(notes),
    )


def _package(package: Mapping[str, Any]) -> dict[str, str]:
    transport = package.get("transport")
    return {
        "registry": _text(package, "registryType", "registry_type", "registry_name"),
        "identifier": _text(package, "identifier", "name"),
        "version": _text(package, "version"),
        "transport": _text(transport, "type") if isinstance(transport, dict) else "stdio",
    }


def _has_secret(document: Mapping[str, Any]) -> bool:
    inputs = [
        each
        for part in (*_objects(document, "packages"), *_objects(document, "remotes"))
        for key in ("environmentVariables", "environment_variables", "headers")
        for each in _objects(part, key)
    ]
    return any(each.get("isSecret") or each.get("is_secret") for each in inputs)


def _objects(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = document.get(key)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(document: Mapping[str, Any], *keys: str) -> str:
    return next((value.strip() for key in keys if isinstance(value := document.get(key), str) and value.strip()), "")


def _slug(name: str) -> str:
    """Make what messages and URLs call a service; a name that is too long keeps its beginning and a hash."""
    slug = _NOT_SLUG.sub("-", name.lower().replace("/", ".")).strip("-._")
    if not slug:
        raise _Unusable("has no name" if not name else f"has the name {name!r}, of which nothing can be made")
    return slug if len(slug) <= _LONGEST_TYPE else f"{slug[:41]}-{sha256(name.encode()).hexdigest()[:8]}"


def _title(name: str) -> str:
    return name.rpartition("/")[2].replace("-", " ").replace("_", " ").strip().title() or name


def _port(document: Mapping[str, Any]) -> int | None:
    port = document.get("port")
    if port is None:
        return None
    if isinstance(port, str) and _NUMBERS.fullmatch(port):
        port = int(port)
    if not isinstance(port, int) or isinstance(port, bool) or not 1024 <= port <= 65535:  # noqa: PLR2004  as the constraint
        raise _Unusable(f"has the port {port!r}, which is not between 1024 and 65535")
    return port


def _url(url: str, longest: int, what: str, notes: list[str]) -> str | None:
    if not url:
        return None
    if len(url) <= longest and _URL.fullmatch(url):
        return url
    notes.append(f"its {what} {url[:80]!r} is no plain http(s) URL of at most {longest} characters")
    return None
