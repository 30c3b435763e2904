"""The eras before 2026-07-28: ``initialize`` opens a session, ``ping`` shows that it lives."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from . import jsonrpc
from .conversations import Conversation
from .errors import ProtocolBroken
from .exchange import Exchange, Reply
from .progress import Progress

VERSION: Final = "2025-11-25"
INITIALIZE: Final = "initialize"
PING: Final = "ping"

_INITIALIZE: Final = jsonrpc.request(
    INITIALIZE,
    {
        "protocolVersion": VERSION,
        "capabilities": {},
        "clientInfo": {"name": "minimcp-probe", "version": "1"},
    },
)
_INITIALIZED: Final = jsonrpc.notification("notifications/initialized")
_PING: Final = jsonrpc.request(PING)

_METHOD_NOT_FOUND: Final = -32601
# A lost session is 404 by the specification, and 400 or 401 in servers that are widely used.
_LOST: Final = frozenset({400, 401, 404})

# Both come back to the server in headers, and the session id is kept for as long as the server.
_SESSION_ID: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_VERSION: Final = re.compile(r"[0-9A-Za-z.\-]{1,32}")


async def shake_hands(exchange: Exchange, talk: Conversation, progress: Progress) -> None:
    """Open a session, or learn that the server keeps none."""
    reply = await exchange.ask(talk.url, INITIALIZE, _INITIALIZE, {}, progress)
    # Kept before anything is judged, so that every session that was opened is ended some day.
    talk.session_id = _session_id(reply)
    talk.version = _version(reply)
    talk.era = "legacy"
    await exchange.tell(talk.url, _INITIALIZED, talk.headers(), progress)


async def ping(exchange: Exchange, talk: Conversation, progress: Progress) -> Reply:
    """Ask a met server for a sign of life."""
    return await exchange.ask(talk.url, PING, _PING, talk.headers(), progress)


async def ask_for(
    exchange: Exchange,
    talk: Conversation,
    method: str,
    parameters: Mapping[str, Any],
    progress: Progress,
    *,
    limit: int,
) -> Reply:
    """Ask a met server for something else, within its session."""
    body = jsonrpc.request(method, dict(parameters) or None)
    return await exchange.ask(talk.url, method, body, talk.headers(), progress, limit=limit)


def is_alive(reply: Reply) -> bool:
    """Tell whether this is a sign of life; a server that has no ``ping`` gives one by saying so."""
    if reply.answer is None or reply.status != HTTPStatus.OK:
        return False
    failure = reply.answer.failure
    return failure is None or failure.code == _METHOD_NOT_FOUND


def is_lost(reply: Reply) -> bool:
    """Tell whether the server may not know our session any more."""
    return reply.status in _LOST


def _session_id(reply: Reply) -> str | None:
    if reply.session_id is None or _SESSION_ID.fullmatch(reply.session_id):
        return reply.session_id
    raise ProtocolBroken("Gives a session id that is not visible ASCII of 1 to 1024 characters.")


def _version(reply: Reply) -> str:
    result = reply.answer.result if reply.answer is not None else None
    version = (result or {}).get("protocolVersion")
    if reply.status == HTTPStatus.OK and isinstance(version, str) and _VERSION.fullmatch(version):
        return version
    raise reply.failed()
