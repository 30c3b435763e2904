"""Faults in front of a healthy MCP server.

POST /fault/NAME?amount=N on the server switches to another one; /fault/none ends it.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    Response,
    StreamingResponse,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FAULTS: Final = (
    "none",
    "slow",  # waits for `amount` seconds before every answer
    "http_500",
    "http_401",
    "html",  # answers 200 with a page
    "garbage",  # answers 200 with half a JSON text
    "endless",  # answers 200 with a stream that never ends
    "no_tools",  # is well, and lists none
    "session_lost",  # forgets the sessions that were opened so far
    "crash",  # dies after `amount` more requests
    "ignores_sigterm",
)

log = logging.getLogger("clerk")


async def _chatter() -> AsyncIterator[bytes]:
    while True:
        yield b": still thinking\n\n" * 64
        await asyncio.sleep(0)


class Faults:
    """Passes requests on to a healthy app, or does what the fault of the moment says."""

    def __init__(
        self, app: ASGIApp, *, name: str, amount: float, legacy: bool, switched: Callable[[str], None]
    ) -> None:
        self.app, self.name, self.amount, self.legacy = app, name, amount, legacy
        self._tell = switched
        self._sessions: set[str] = set()
        self._lost: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, rightly or wrongly."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        answer = self._switched(request) or await self._wrong(request) or self.app
        if self.legacy:  # without its header, a request of the newest era is one of the older
            scope["headers"] = [pair for pair in scope["headers"] if pair[1] != b"2026-07-28"]
        await answer(scope, receive, self._noting_sessions(send))

    def _switched(self, request: Request) -> Response | None:
        if not request.url.path.startswith("/fault/"):
            return None
        self.name = request.url.path.removeprefix("/fault/")
        self.amount = float(request.query_params.get("amount", 1))
        self._lost = set(self._sessions) if self.name == "session_lost" else self._lost
        self._tell(self.name)
        log.warning("the fault is now: %s", self.name)
        return PlainTextResponse("switched")

    async def _wrong(self, request: Request) -> Response | None:
        if self.name == "slow":
            await asyncio.sleep(self.amount)
        if self.name == "crash":
            self.amount -= 1
            if self.amount < 0:
                log.critical("out of paper: giving up")
                os._exit(70)
        if request.headers.get("mcp-session-id") in self._lost:
            error = {"code": -32600, "message": "Session not found"}
            return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 404)
        answers: dict[str, Response] = {
            "http_500": PlainTextResponse("Internal Server Error", 500),
            "http_401": PlainTextResponse("Unauthorized", 401),
            "html": HTMLResponse("<!doctype html><title>Welcome</title>"),
            "garbage": Response('{"jsonrpc": "2.0", "id": 1, "resu', media_type="application/json"),
            "endless": StreamingResponse(_chatter(), media_type="text/event-stream"),
        }
        return answers.get(self.name)

    def _noting_sessions(self, send: Send) -> Send:
        async def noting(message: Message) -> None:
            session = dict(message.get("headers", ())).get(b"mcp-session-id")
            if session is not None:
                self._sessions.add(session.decode())
            await send(message)

        return noting
