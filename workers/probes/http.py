"""The plain probe: GET a health endpoint and judge its status."""

from http import HTTPStatus
from time import perf_counter
from typing import Final

from aiohttp import ClientResponse

from .errors import AuthRequired, ProtocolBroken
from .finding import Finding, answered
from .progress import Progress
from .settings import ProbeSettings
from .target import Target
from .wire import Wire

AUTH_WALLS: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class HttpProbe:
    """Asks with a GET; any 2xx is healthy, whatever the body says."""

    def __init__(self, wire: Wire, settings: ProbeSettings) -> None:
        self._wire = wire
        self._settings = settings

    async def probe(self, target: Target, progress: Progress) -> Finding:
        """Ask once; raise ``ProbeError`` when the target is not healthy."""
        begin = perf_counter()
        async with self._wire.send("GET", target.url, progress) as response:
            await self._wire.body(response)
            judge(response)
        return answered(
            (perf_counter() - begin) * 1000,
            timeout_seconds=target.timeout_seconds,
            share=self._settings.degraded_share,
            era=None,
        )


def judge(response: ClientResponse) -> None:
    """Raise when a status is not one of success."""
    if response.status in AUTH_WALLS:
        raise AuthRequired(response.status)
    if not HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        message = f"Answers with HTTP {response.status}."
        raise ProtocolBroken(message)
