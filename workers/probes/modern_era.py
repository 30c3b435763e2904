"""The era of 2026-07-28: no handshake, no session; every request says who asks."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from . import jsonrpc
from .exchange import METHOD_HEADER, VERSION_HEADER, Exchange, Reply
from .progress import Progress

VERSION: Final = "2026-07-28"
DISCOVER: Final = "server/discover"

_PREFIX: Final = "io.modelcontextprotocol/"
_META: Final = {
    f"{_PREFIX}protocolVersion": VERSION,
    f"{_PREFIX}clientInfo": {"name": "minimcp-probe", "version": "1"},
    f"{_PREFIX}clientCapabilities": {},
}
_REQUEST: Final = jsonrpc.request(DISCOVER, {"_meta": _META})
_HEADERS: Final = {VERSION_HEADER: VERSION, METHOD_HEADER: DISCOVER}

_UNSUPPORTED_VERSION: Final = -32022
_HANDSHAKE_VERSIONS: Final = frozenset({"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"})


async def discover(exchange: Exchange, url: str, progress: Progress) -> Reply:
    """Ask a server what it speaks; servers of this era must answer."""
    return await exchange.ask(url, DISCOVER, _REQUEST, _HEADERS, progress)


async def ask_for(
    exchange: Exchange, url: str, method: str, parameters: Mapping[str, Any], progress: Progress, *, limit: int
) -> Reply:
    """Ask a met server for something else."""
    body = jsonrpc.request(method, {**parameters, "_meta": _META})
    headers = {VERSION_HEADER: VERSION, METHOD_HEADER: method}
    return await exchange.ask(url, method, body, headers, progress, limit=limit)


def is_proven(reply: Reply) -> bool:
    """Tell whether only a server of this era, or of a later one, answers like this."""
    if reply.answer is None:
        return False
    if (failure := reply.answer.failure) is not None:
        return failure.code == _UNSUPPORTED_VERSION and _names_newer(failure.data, "supported")
    return reply.status == HTTPStatus.OK and _names_newer(reply.answer.result, "supportedVersions")


def may_be_older(reply: Reply) -> bool:
    """Tell whether a server of the older era may answer like this."""
    return reply.status >= HTTPStatus.BAD_REQUEST or reply.answer is not None


def _names_newer(value: object, member: str) -> bool:
    versions = value.get(member) if isinstance(value, dict) else None
    if not isinstance(versions, list):
        return False
    return any(isinstance(name, str) and name not in _HANDSHAKE_VERSIONS for name in versions)
