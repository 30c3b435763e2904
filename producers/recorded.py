"""An ASGI application, such as a gateway, whose requests are recorded."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import parse_qsl

from . import message_id as ids
from .buffer import Buffer
from .messages.gateway import ServedRequest

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
About = Callable[[Scope], Mapping[str, Any]]

HEADERS: Final = ("content-type", "mcp-protocol-version", "user-agent")
"""The headers that are recorded unless others are wanted; what is secret by its name is hidden."""

_LONGEST_METHOD: Final = 10

log: Final = logging.getLogger(__name__)


@dataclass
class _Answer:
    """What is seen of an answer as it passes."""

    at: datetime
    begun: float
    status: int | None = None
    size: int = 0
    error: BaseException | None = None

    def note(self, event: Event) -> None:
        """Look at what is sent."""
        if event["type"] == "http.response.start":
            self.status = event["status"]
        elif event["type"] == "http.response.body":
            self.size += len(event.get("body", b""))


class RecordedApp:
    """Serves as the application does, and puts each request into a buffer when it is over, however it ended.

    ``about`` tells, of the scope that the application has seen, what only the gateway knows: ``tenant_id``,
    ``user_id``, ``server_id``, ``tool``, or any other field of ``ServedRequest``.  Whatever goes wrong with a record is
    logged and disturbs nobody; give a buffer that drops when it is full, since one that blocks would stop the loop.
    """

    def __init__(
        self,
        app: App,
        buffer: Buffer[ServedRequest],
        *,
        about: About | None = None,
        headers: tuple[str, ...] = HEADERS,
    ) -> None:
        self._app = app
        self._buffer = buffer
        self._about = about
        self._headers = frozenset(name.lower().encode() for name in headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or whatever else the server asks for."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(datetime.now(UTC), time.perf_counter())

        async def noting(event: Event) -> None:
            answer.note(event)
            await send(event)

        try:
            await self._app(scope, receive, noting)
        except BaseException as error:
            answer.error = error
            raise
        finally:
            self._record(scope, answer)

    def _record(self, scope: Scope, answer: _Answer) -> None:
        try:
            fields = self._seen(scope, answer)
            if self._about is not None:
                fields.update(self._about(scope))
            self._buffer.put(ServedRequest(**fields))
        except Exception:
            log.exception("a request was not recorded")

    def _seen(self, scope: Scope, answer: _Answer) -> dict[str, Any]:
        return {
            "request_id": str(ids.new()),
            "requested_at": answer.at,
            "method": scope["method"][:_LONGEST_METHOD],
            "path": scope["path"],
            "ip_address": _address(scope),
            "query_params": dict(parse_qsl(scope.get("query_string", b"").decode("utf-8", "replace"))),
            "headers": self._wanted(scope),
            "duration_ms": (time.perf_counter() - answer.begun) * 1_000,
            "status_code": answer.status,
            "response_size_bytes": answer.size,
            "error_type": None if answer.error is None else type(answer.error).__name__,
            "error": None if answer.error is None else str(answer.error),
        }

    def _wanted(self, scope: Scope) -> dict[str, str]:
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name.lower() in self._headers
        }


def _address(scope: Scope) -> str | None:
    """Give the address of the caller; a caller on a socket of the system has none."""
    with suppress(ValueError, TypeError, IndexError):
        return str(ip_address(scope["client"][0])) if scope.get("client") else None
    return None
