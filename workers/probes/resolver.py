"""Name look-ups that hold up neither other targets nor the exit of the process."""

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

LOOKUP_LIMIT: Final = 64


class DaemonResolver(AbstractResolver):
    """Looks each name up in a daemon thread of its own.

    The executor of an event loop has a handful of threads and joins them at exit: a few names
    whose server never answers would starve all other targets, and keep the process alive.
    """

    def __init__(self, lookup_limit: int = LOOKUP_LIMIT) -> None:
        self._places = asyncio.Semaphore(lookup_limit)

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Give the addresses of a name; raise ``OSError`` when it has none."""
        outcome: Future[list[ResolveResult]] = Future()
        look_up = threading.Thread(target=_settle, args=(outcome, host, port, family), name="probe-lookup", daemon=True)
        async with self._places:
            look_up.start()
            return await asyncio.wrap_future(outcome)

    @override
    async def close(self) -> None:
        """Do nothing: nothing is held between look-ups."""


def _settle(outcome: Future[list[ResolveResult]], host: str, port: int, family: socket.AddressFamily) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        outcome.set_result(_addresses(host, port, family))
    except UnicodeError:
        outcome.set_exception(OSError(socket.EAI_NONAME, "no host can have this name"))
    except OSError as error:
        outcome.set_exception(error)


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    rows = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=row_family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for row_family, _, protocol, _, address in rows
    ]
