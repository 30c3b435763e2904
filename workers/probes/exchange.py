"""One JSON-RPC exchange over streamable HTTP, answered in JSON or as an event stream."""

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from aiohttp import ClientResponse

from .errors import AuthRequired, ProtocolBroken
from .http import AUTH_WALLS
from .jsonrpc import Answer, answer
from .progress import Progress
from .sse import EventReader
from .wire import Wire

SESSION_HEADER: Final = "Mcp-Session-Id"
VERSION_HEADER: Final = "MCP-Protocol-Version"
METHOD_HEADER: Final = "Mcp-Method"

_TOO_LONG: Final = "a body of more than 64 KiB"
_ACCEPTED: Final = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one JSON-RPC request."""

    method: str
    status: int
    said: str
    answer: Answer | None
    session_id: str | None
    elapsed_ms: float
    too_long: bool = False

    def complaint(self) -> str:
        """Say in one sentence what was answered."""
        return f"Answers {self.method} with HTTP {self.status} and {self.said}."

    def failed(self) -> ProtocolBroken | AuthRequired:
        """Give the error that fits an answer which is not the expected one."""
        if self.status in AUTH_WALLS:
            return AuthRequired(self.status)
        return ProtocolBroken(self.complaint())


class Exchange:
    """Asks an MCP endpoint one question at a time."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def ask(
        self,
        url: str,
        method: str,
        body: bytes,
        headers: Mapping[str, str],
        progress: Progress,
        *,
        limit: int | None = None,
    ) -> Reply:
        """Send a request and read its answer, or what came instead."""
        begin = perf_counter()
        sent = {**_ACCEPTED, **headers}
        async with self._wire.send("POST", url, progress, headers=sent, data=body) as response:
            found, said = await self._read(response, limit)
            return Reply(
                method=method,
                status=response.status,
                said=said,
                answer=found,
                session_id=response.headers.get(SESSION_HEADER),
                elapsed_ms=(perf_counter() - begin) * 1000,
                too_long=said == _TOO_LONG,
            )

    async def tell(self, url: str, body: bytes, headers: Mapping[str, str], progress: Progress) -> None:
        """Send a notification; the next request shows whether it was understood."""
        sent = {**_ACCEPTED, **headers}
        async with self._wire.send("POST", url, progress, headers=sent, data=body):
            pass

    async def end(self, url: str, headers: Mapping[str, str]) -> None:
        """Tell a server that it may forget a session."""
        async with self._wire.send("DELETE", url, Progress(), headers=headers):
            pass

    async def _read(self, response: ClientResponse, limit: int | None) -> tuple[Answer | None, str]:
        encoding = response.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            return None, "a compressed body that nobody asked for"
        if response.content_type == "text/event-stream":
            return await self._read_events(response, limit)
        return await self._read_json(response, limit)

    async def _read_json(self, response: ClientResponse, limit: int | None) -> tuple[Answer | None, str]:
        body = await self._wire.body(response, limit)
        if self._wire.exceeds(body, limit):
            return None, _TOO_LONG
        found = answer(body, any_id=not response.ok)
        return found, _described(found, body, response.content_type)

    async def _read_events(self, response: ClientResponse, limit: int | None) -> tuple[Answer | None, str]:
        events, left = EventReader(), self._wire.limit(limit)
        async with aclosing(self._wire.chunks(response, limit)) as chunks:
            async for chunk in chunks:
                left -= len(chunk)
                for data in events.feed(chunk):
                    if found := answer(data):
                        return found, _described(found, data, "application/json")
        # What was asked for with a limit of its own may be long; a sign of life is short, and endless talk is none.
        return None, _TOO_LONG if left < 0 and limit is not None else "an event stream without the answer"


def _described(found: Answer | None, body: bytes, content_type: str) -> str:
    if found is not None:
        return str(found.failure or "a result that does not fit the method")
    if not body.strip():
        return "an empty body"
    if content_type == "text/html":
        return "an HTML page"
    return "a body that is not the JSON-RPC answer"
