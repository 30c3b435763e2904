"""One HTTP exchange with everything bounded: redirects, schemes, bytes."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal

from aiohttp import ClientResponse, ClientSession
from yarl import URL

from .errors import ProtocolBroken, Unreachable
from .progress import Progress
from .settings import ProbeSettings

Method = Literal["GET", "POST", "DELETE"]

_CHUNK: Final = 16 * 1024
_ANY_REDIRECT: Final = frozenset({301, 302, 303, 307, 308})
# 301 to 303 turn a POST into a GET, which no MCP endpoint answers; these two keep it whole.
_REDIRECT_OF_POST: Final = frozenset({307, 308})


class Wire:
    """Sends requests through the pooled session and hands out answers that cannot grow.

    A redirect to another place goes through the session for ``elsewhere``: wherever a server may be that we chose
    ourselves, it must not send us to any place it likes.
    """

    def __init__(self, session: ClientSession, elsewhere: ClientSession, settings: ProbeSettings) -> None:
        self._session = session
        self._elsewhere = elsewhere
        self._settings = settings

    @asynccontextmanager
    async def send(
        self,
        method: Method,
        url: str,
        progress: Progress,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> AsyncIterator[ClientResponse]:
        """Send a request, follow a few redirects, and lend the answer for as long as needed."""
        first = here = _http_url(url)
        for _ in range(self._settings.redirect_limit + 1):
            async with self._session_for(here, first).request(
                method,
                here,
                headers=headers,
                data=data,
                allow_redirects=False,
                trace_request_ctx=progress,
            ) as response:
                progress.step = "while reading the answer"
                there = _redirect(method, response)
                if there is None:
                    yield response
                    return
                here = there
        message = f"Redirects more than {self._settings.redirect_limit} times."
        raise ProtocolBroken(message)

    def _session_for(self, here: URL, first: URL) -> ClientSession:
        return self._session if here.origin() == first.origin() else self._elsewhere

    async def body(self, response: ClientResponse, limit: int | None = None) -> bytes:
        """Read the body up to the limit; one byte more tells that there was more."""
        return b"".join([chunk async for chunk in self.chunks(response, limit)])

    async def chunks(self, response: ClientResponse, limit: int | None = None) -> AsyncGenerator[bytes, None]:
        """Give the body piece by piece; the last piece may exceed the limit by one byte."""
        left = self.limit(limit) + 1
        while left > 0 and (chunk := await response.content.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk

    def exceeds(self, body: bytes, limit: int | None = None) -> bool:
        """Tell whether a body read by us was longer than is read."""
        return len(body) > self.limit(limit)

    def limit(self, own: int | None) -> int:
        """Give how many bytes of a body are read."""
        return own or self._settings.body_limit


def _http_url(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        raise Unreachable("The URL cannot be parsed.") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise Unreachable("The URL is not an http or https URL with a host.")
    return parsed


def _redirect(method: Method, response: ClientResponse) -> URL | None:
    followed = _ANY_REDIRECT if method == "GET" else _REDIRECT_OF_POST
    location = response.headers.get("Location")
    if response.status not in followed or location is None:
        return None
    try:
        there = response.url.join(URL(location))
    except ValueError:
        raise ProtocolBroken("Redirects to something that is not a URL.") from None
    if there.scheme not in {"http", "https"} or not there.host:
        raise ProtocolBroken("Redirects to something that is neither http nor https.")
    return there
