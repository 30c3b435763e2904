"""A document of a file as a definition: ours, and both generations of the official MCP registry's `server.json`.

Ours is one object per service, snake_case or camelCase.  Of the official ones, the older has `version_detail` and
`registry_name`, the newer `$schema` and `registryType`; what was published in between mixes them.
"""

from collections.abc import Mapping
from typing import Any, Final

from db import fields
from db.definitions import Definition
from db.fields import Unusable, objects, part, text

_AUTH: Final = {
    "oauth": "oauth2",
    "basic": "basic_auth",
    "basicauth": "basic_auth",
    "apikey": "api_key",
    "bearer": "api_key",
    "token": "api_key",
}
_GONE: Final = frozenset({"deleted", "deprecated"})
_OFFICIAL: Final = ("packages", "remotes", "version_detail")
_SCHEMA: Final = "server.schema.json"
# What a folder of services may hold beside them.
_FOREIGN: Final = frozenset({"dependencies", "devDependencies", "scripts", "lockfileVersion", "compilerOptions"})
_REGISTRIES: Final = frozenset({"npm", "pypi", "oci", "docker", "nuget", "mcpb", "cargo", "homebrew", "gem"})
# What a package or a remote wants to be given.
_INPUTS: Final = ("environmentVariables", "environment_variables", "headers")
_LOST: Final = (
    "packageArguments",
    "package_arguments",
    "runtimeArguments",
    "runtime_arguments",
    "variables",
)
_TEXTS: Final = ("description", "title", "version", "category")
_LISTS: Final = ("packages", "remotes", "icons")


def definition(source: str, document: object, *, name: str = "") -> Definition:
    """Read a document; `name` is what its key or its folder calls it.  Unusable says why it cannot be kept."""
    if not isinstance(document, dict):
        raise Unusable("not an object")
    wrapped = part(document, "server")
    if wrapped and ("name" in wrapped or "name" not in document):
        # The registry's own lists wrap each document and put its state beside it.
        meta = {**part(wrapped, "_meta"), **part(document, "_meta")}
        return _official(source, {**wrapped, "_meta": meta})
    if any(key in document for key in _OFFICIAL) or text(document, "$schema").endswith(_SCHEMA):
        return _official(source, document)
    return _own(source, document, name)


def _own(source: str, document: Mapping[str, Any], called: str) -> Definition:
    if _FOREIGN & document.keys():
        raise Unusable("describes a program's packages or settings, not a service")
    name = text(document, "service_type", "serviceType", "name", "id") or called
    server, notes = part(document, "server"), list[str]()
    fields.note_types(document, notes, texts=_TEXTS, lists=())
    given_url = text(document, "base_url", "baseUrl", "url") or text(server, "url")
    endpoint = _endpoint(document, notes)
    available = document.get("is_available", document.get("isAvailable", document.get("enabled", True)))
    return Definition(
        source=source,
        service_type=fields.slug(name),
        name=name,
        display_name=_titled(document, name, notes),
        description=_described(document, notes),
        icon_url=fields.url(text(document, "icon_url", "iconUrl", "icon"), fields.LONGEST_ICON, "icon", notes),
        category=fields.shortened(text(document, "category"), fields.LONGEST_NAME, "category", notes) or None,
        port=fields.port(document),
        base_url=fields.url(given_url, fields.LONGEST_URL, "URL", notes),
        health_check_endpoint=endpoint,
        auth_type=_auth(document),
        is_available=available is not False,
        version=text(document, "version"),
        notes=tuple(notes),
    )


def _endpoint(document: Mapping[str, Any], notes: list[str]) -> str:
    given = text(document, "health_check_endpoint", "healthCheckEndpoint", "health_endpoint") or "/health"
    endpoint = fields.without_parameters(given, "health check endpoint", notes)
    return endpoint if endpoint.startswith("/") else f"/{endpoint}"


def _auth(document: Mapping[str, Any]) -> str:
    detail = part(document, "auth", "authentication")
    kind = text(document, "auth_type", "authType", "auth", "authentication") or text(detail, "type") or "api_key"
    return _AUTH.get(kind.lower().replace("_", "").replace("-", ""), kind.lower())


def _official(source: str, document: Mapping[str, Any]) -> Definition:
    name, notes = text(document, "name"), list[str]()
    fields.note_types(document, notes, texts=_TEXTS, lists=_LISTS)
    _note_lost(document, notes)
    detail, meta = part(document, "version_detail"), _meta(document)
    version = text(detail, "version") or text(document, "version")
    remotes = [_remote(each) for each in objects(document, "remotes")]
    urls = [fields.url(text(each, "url"), fields.LONGEST_URL, "URL", notes) for each in objects(document, "remotes")]
    icons = [text(each, "src") for each in objects(document, "icons")]
    repository = text(part(document, "repository"), "url") or text(document, "repository")
    status = (text(meta, "status") or text(document, "status")).lower()
    return Definition(
        source=source,
        service_type=fields.slug(name),
        name=name,
        display_name=_titled(document, name, notes),
        description=_described(document, notes),
        icon_url=fields.url(icons[0] if icons else "", fields.LONGEST_ICON, "icon", notes),
        category="registry",
        base_url=next((url for url in urls if url), None),
        auth_type="api_key" if _needs_key(document) else "none",
        service_config={
            "name": name,
            "version": version,
            "repository": fields.without_secrets(repository),
            "packages": [_package(each) for each in objects(document, "packages")],
            "remotes": remotes,
        },
        is_available=status not in _GONE,
        is_withdrawn=status in _GONE,
        version=version,
        is_latest=any(each.get(key) is True for each in (meta, detail) for key in ("isLatest", "is_latest")),
        published_at=text(meta, "publishedAt", "published_at") or text(detail, "release_date"),
        notes=tuple(notes),
    )


def _meta(document: Mapping[str, Any]) -> dict[str, Any]:
    """Join what the registry says beside a document, which it keeps under names of its own."""
    found = part(document, "_meta").values()
    return {key: value for each in found if isinstance(each, dict) for key, value in each.items()}


def _package(package: Mapping[str, Any]) -> dict[str, str]:
    named = [text(package, key) for key in ("registryType", "registry_type", "registry_name", "registry")]
    # Old documents put the package's own name where its registry's belongs, and that beside it.
    registry = next((name for name in named if name.lower() in _REGISTRIES), next(filter(None, named), ""))
    return {
        "registry": registry,
        "identifier": fields.without_secrets(text(package, "identifier", "name")),
        "version": text(package, "version"),
        "transport": text(part(package, "transport"), "type") or "stdio",
    }


def _remote(remote: Mapping[str, Any]) -> dict[str, str]:
    transport = text(remote, "type", "transport_type", "transport") or text(part(remote, "transport"), "type")
    return {"transport": transport, "url": fields.without_secrets(text(remote, "url"))}


def _needs_key(document: Mapping[str, Any]) -> bool:
    inputs = [each for holder in _holders(document) for key in _INPUTS for each in objects(holder, key)]
    return any(fields.is_secret(each) for each in inputs)


def _note_lost(document: Mapping[str, Any], notes: list[str]) -> None:
    lost = [key for key in (*_INPUTS, *_LOST) if any(holder.get(key) for holder in _holders(document))]
    if lost:
        notes.append(f"what it says of {', '.join(lost)} is not kept")


def _holders(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the packages and remotes, and how the packages are reached."""
    packages = objects(document, "packages")
    return [*packages, *objects(document, "remotes"), *(part(each, "transport") for each in packages)]


def _titled(document: Mapping[str, Any], name: str, notes: list[str]) -> str:
    given = text(document, "display_name", "displayName", "title") or fields.title(name)
    return fields.shortened(given, fields.LONGEST_NAME, "title", notes)


def _described(document: Mapping[str, Any], notes: list[str]) -> str | None:
    return fields.shortened(text(document, "description"), fields.LONGEST_DESCRIPTION, "description", notes) or None
