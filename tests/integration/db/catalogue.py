"""Several hundred documents of services in the shapes and with the oddities that real registries have.

What varies was seen in published documents: three generations of field names, a registry's name where its package's
belongs, versions with `-seed`, several packages of one server, templates in URLs, secrets that nobody marked.
"""

import random
from typing import Any, Final

Document = dict[str, Any]

_WORDS: Final = (
    "weather",
    "maps",
    "notes",
    "search",
    "mail",
    "tasks",
    "code",
    "music",
    "files",
    "sales",
    "tickets",
    "bank",
)
_OWNERS: Final = ("io.github.acme", "com.example", "dev.some-one", "ai.Example_Labs", "io.github.Ünïcode")
_KINDS: Final = (("npm", "@acme/{}"), ("pypi", "{}-mcp"), ("oci", "ghcr.io/acme/{}:1.2.0"), ("nuget", "Acme.{}"))
_URLS: Final = (
    "https://{}.example/mcp",
    "https://{{tenant}}.{}.example/mcp",
    " https://{}.example/sse ",
    "HTTPS://{}.example:8443/mcp?x=1",
    "wss://{}.example/ws",
    "https://{}.example:99999/mcp",
    "{}.example/mcp",
)


def documents(count: int, *, seed: int = 7) -> list[Document]:
    """Give documents of services that are all different, always the same ones."""
    dice = random.Random(seed)
    makers = (_oldest, _between, _newest, _listed, _ours)
    return [dice.choice(makers)(number, dice) for number in range(count)]


def _name(number: int, dice: random.Random) -> str:
    return f"{dice.choice(_OWNERS)}/{dice.choice(_WORDS)}-{number}{'-long' * dice.choice((0, 0, 0, 20))}"


def _description(dice: random.Random) -> Document:
    texts = ("Does one thing well.", "数据库 · données 🗄️", "line\nbreak\ttab", "", "nul \x00 in it", "x" * 20_000)
    return dice.choice([{}, {"description": None}, *({"description": text} for text in texts)])


def _remotes(number: int, dice: random.Random, key: str) -> Document:
    urls = dice.sample(_URLS, dice.choice((0, 1, 1, 2)))
    remotes = [{key: dice.choice(("sse", "streamable-http")), "url": url.format(f"s{number}")} for url in urls]
    return {"remotes": remotes} if remotes else {}


def _oldest(number: int, dice: random.Random) -> Document:
    kinds = dice.sample(_KINDS, dice.choice((1, 1, 2, 3)))
    packages = [
        {
            **dice.choice([{"registry_name": kind}, {"registry_name": "x-mcp", "registry": kind}]),
            "name": name.format(f"s{number}"),
            "version": dice.choice(("1.2.0", "")),
            "environment_variables": [{"name": dice.choice(("API_KEY", "HOST")), "description": "<YOUR_KEY>"}],
        }
        for kind, name in kinds
    ]
    return {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "name": _name(number, dice),
        **_description(dice),
        "repository": {"url": f"https://git.example/acme/{number}", "source": "github", "id": str(number)},
        "version_detail": {"version": "0.0.1-seed", "release_date": "2025-05-16T18:56:49Z", "is_latest": True},
        "packages": packages,
        **_remotes(number, dice, "transport_type"),
    }


def _between(number: int, dice: random.Random) -> Document:
    return {
        "$schema": "https://schemas.example/2025-07-09/server.schema.json",
        "name": _name(number, dice),
        "status": dice.choice(("active", "deprecated")),
        **_description(dice),
        "version_detail": {"version": f"1.{dice.randrange(20)}.0"},
        "packages": [{"registry_type": "oci", "registry_base_url": "https://oci.example", "identifier": f"s{number}"}],
    }


def _newest(number: int, dice: random.Random) -> Document:
    packages = [
        {
            "registryType": kind,
            "identifier": name.format(f"s{number}"),
            "version": "1.2.0",
            "transport": {"type": dice.choice(("stdio", "streamable-http"))},
            "environmentVariables": [{"name": "KEY", "isRequired": True, "isSecret": dice.random() < 0.5}],
        }
        for kind, name in dice.sample(_KINDS, dice.choice((0, 1, 2)))
    ]
    return {
        "$schema": "https://schemas.example/2025-12-11/server.schema.json",
        "name": _name(number, dice),
        **dice.choice([{}, {"title": f"Server {number}"}, {"title": "t" * 300}]),
        **_description(dice),
        "version": f"{dice.randrange(3)}.{dice.randrange(20)}.0{dice.choice(('', '-beta.1', '+build'))}",
        "websiteUrl": f"https://s{number}.example",
        "icons": [{"src": f"https://s{number}.example/icon.png", "sizes": ["32x32"]}],
        "packages": packages,
        **_remotes(number, dice, "type"),
    }


def _listed(number: int, dice: random.Random) -> Document:
    state = {"status": dice.choice(("active", "deleted")), "isLatest": True, "publishedAt": "2025-12-12T00:00:00Z"}
    return {"server": _newest(number, dice), "_meta": {"registry.example/official": state}}


def _ours(number: int, dice: random.Random) -> Document:
    keys = dice.choice((("service_type", "display_name", "auth_type"), ("serviceType", "displayName", "authType")))
    values = (f"{dice.choice(_WORDS)}-{number}", f"Service {number}", dice.choice(("api_key", "oauth2", "none")))
    return {**dict(zip(keys, values, strict=True)), "port": 20_000 + number, "category": "tools"}
