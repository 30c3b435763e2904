"""What a server offers: its tools and resources, page by page, everything bounded."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from .errors import ProtocolBroken
from .exchange import Reply
from .finding import readable

TOOLS: Final = "tools/list"
RESOURCES: Final = "resources/list"

MOST_PAGES: Final = 20
MOST_ITEMS: Final = 2_000
MOST_SCHEMA_BYTES: Final = 16_384

_LONGEST: Final = {"name": 255, "description": 2_000, "uri": 500, "mimeType": 100}
_METHOD_NOT_FOUND: Final = -32601

AskFor = Callable[[str, dict[str, Any]], Awaitable[Reply]]
"""Asks the server of the moment for a page: a method and its parameters."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a server listed; None for what it could not list or was not asked for."""

    tools: list[dict[str, Any]] | None = None
    resources: list[dict[str, Any]] | None = field(default=None)


async def offer(ask: AskFor, *, resources: bool) -> Offer:
    """Have a server list its tools, and its resources too; raise ``ProbeError`` when what it says is no list."""
    tools = await _listed(ask, TOOLS, "tools")
    found = await _listed(ask, RESOURCES, "resources") if resources else None
    return Offer(
        None if tools is None else list(_tools(tools)),
        None if found is None else list(_resources(found)),
    )


async def _listed(ask: AskFor, method: str, member: str) -> list[Any] | None:
    items: list[Any] = []
    parameters: dict[str, Any] = {}
    for _ in range(MOST_PAGES):
        reply = await ask(method, parameters)
        if reply.too_long:
            return None
        page = _page(reply, member)
        items += page.get(member, [])
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str) or len(items) >= MOST_ITEMS:
            break
        parameters = {"cursor": cursor}
    return items[:MOST_ITEMS]


def _page(reply: Reply, member: str) -> dict[str, Any]:
    answer = reply.answer
    if answer is not None and answer.failure is not None and answer.failure.code == _METHOD_NOT_FOUND:
        return {}  # a server without tools need not know the question
    if answer is None or answer.result is None:
        raise reply.failed()
    if not isinstance(answer.result.get(member), list):
        message = f"Answers {reply.method} without a list of {member}."
        raise ProtocolBroken(message)
    return answer.result


def _tools(items: list[Any]) -> Iterator[dict[str, Any]]:
    for item in items:
        if (name := _text(item, "name")) is not None:
            yield {"name": name, "description": _text(item, "description"), "schema": _schema(item.get("inputSchema"))}


def _resources(items: list[Any]) -> Iterator[dict[str, Any]]:
    for item in items:
        if (uri := _text(item, "uri")) is not None:
            yield {
                "uri": uri,
                "name": _text(item, "name"),
                "description": _text(item, "description"),
                "mime_type": _text(item, "mimeType"),
            }


def _text(item: object, member: str) -> str | None:
    value = item.get(member) if isinstance(item, dict) else None
    return readable(value, _LONGEST[member]) if isinstance(value, str) and value.strip() else None


def _schema(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or len(json.dumps(value)) > MOST_SCHEMA_BYTES:
        return {}
    return value
