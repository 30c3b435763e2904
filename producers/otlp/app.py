"""The HTTP side: `POST /v1/logs` and `GET /healthz`, as an ASGI application."""

import asyncio
import hmac
from typing import Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .bus import Bus
from .media import Media
from .receiver import Export, Receiver
from .refusals import RefusalError, RequestTooLarge, SlowRequest, TokenRefused, UndecodableRequest, UnsupportedMedia

IN_HAND: Final = 16
"""How many exports are read and sent at once; others wait, unread, in their connections."""

_THREADS: Final = 4
_BODY_SECONDS: Final = 30.0


class Exports:
    """Answers exports."""

    def __init__(self, receiver: Receiver, *, most_bytes: int, token: str | None) -> None:
        self._receiver = receiver
        self._most_bytes = most_bytes
        self._token = token
        self._room = asyncio.Semaphore(IN_HAND)
        self._threads = CapacityLimiter(_THREADS)

    async def answer(self, request: Request) -> Response:
        """Take an export and answer in the type of media that it came in."""
        media = _media(request)
        try:
            self._check(request)
            async with self._room:
                export = Export(
                    await self._body(request),
                    request.headers.get("content-type", ""),
                    request.headers.get("content-encoding", ""),
                )
                body = await run_sync(self._receiver.receive, export, limiter=self._threads)
        except RefusalError as refusal:
            return Response(media.refused(refusal), refusal.status, {**refusal.headers}, media.value)
        return Response(body, media_type=media.value)

    def _check(self, request: Request) -> None:
        sent = request.headers.get("authorization", "")
        if self._token is not None and not hmac.compare_digest(sent.encode(), f"Bearer {self._token}".encode()):
            message = "the request does not carry the token: send Authorization: Bearer TOKEN"
            raise TokenRefused(message)

    async def _body(self, request: Request) -> bytes:
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                return await self._read(request)
        except TimeoutError:
            message = f"the body did not arrive within {_BODY_SECONDS:g} s"
            raise SlowRequest(message) from None
        except ClientDisconnect:
            message = "the sender went away"
            raise UndecodableRequest(message) from None

    async def _read(self, request: Request) -> bytes:
        body = bytearray()
        announced = request.headers.get("content-length", "")
        self._bound(int(announced) if announced.isdecimal() else 0)
        async for chunk in request.stream():
            body += chunk
            self._bound(len(body))
        return bytes(body)

    def _bound(self, size: int) -> None:
        if size > self._most_bytes:
            message = f"the body is larger than {self._most_bytes:,} bytes: send smaller batches"
            raise RequestTooLarge(message)


def application(receiver: Receiver, bus: Bus, *, most_bytes: int, token: str | None = None) -> Starlette:
    """Make the application."""
    exports = Exports(receiver, most_bytes=most_bytes, token=token)

    async def health(_request: Request) -> Response:
        try:
            return JSONResponse({"status": "ok", "waiting": await run_sync(bus.waiting)})
        except RefusalError as refusal:
            return JSONResponse({"status": str(refusal)}, refusal.status, {**refusal.headers})

    return Starlette(
        routes=[Route("/v1/logs", exports.answer, methods=["POST"]), Route("/healthz", health)],
        exception_handlers={HTTPException: _no_such_thing, Exception: _unforeseen},
    )


def _media(request: Request) -> Media:
    try:
        return Media.of(request.headers.get("content-type", ""))
    except UnsupportedMedia:
        return Media.JSON


def _no_such_thing(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else RefusalError.status
    refusal = RefusalError("there is only POST /v1/logs, and GET /healthz")
    return Response(_media(request).refused(refusal), status, media_type=_media(request).value)


def _unforeseen(request: Request, _error: Exception) -> Response:
    refusal = RefusalError("something went wrong here; the log of the receiver tells what")
    return Response(_media(request).refused(refusal), refusal.status, media_type=_media(request).value)
