"""The prober: one event loop thread that probes for all threads of a worker process."""

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError, Future, wait
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from .checks import Checks, Found
from .errors import ProberStopped
from .finding import Finding
from .progress import trace
from .resolver import DaemonResolver
from .settings import ProbeSettings
from .target import Target

T = TypeVar("T")

_LOOK_SECONDS: Final = 1.0
_GRACE_SECONDS: Final = 2.0
_READ_BUFFER: Final = 16 * 1024


@dataclass(frozen=True)
class _Loop:
    """What callers need of the event loop that runs in the prober's thread."""

    events: asyncio.AbstractEventLoop
    checks: Checks
    stop: asyncio.Event


class Prober:
    """Checks targets for any thread, all on one event loop and one pool of connections.

    Made once per worker process, after any fork.  Its thread is a daemon; who watches over the
    process finds it in ``threads``.
    """

    def __init__(self, settings: ProbeSettings | None = None) -> None:
        self._settings = settings or ProbeSettings()
        self._trusted = _trusted(self._settings)
        self._closed = threading.Event()
        begun: Future[_Loop] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(begun)), name="prober", daemon=True)
        self._thread.start()
        self._loop = self._result(begun)

    @property
    def concurrency(self) -> int:
        """How many targets are asked at the same moment."""
        return self._settings.concurrency

    def begin(self, due: Sequence[tuple[float, Target]], found: Found) -> None:
        """Check each target once its seconds are over; ``found`` is called in the prober's thread for each by itself.

        Returns at once.  A prober that is closed meanwhile calls it for none of those that were not done.
        """
        self._assert_running()
        with suppress(RuntimeError):  # The loop of a dead thread is closed.
            self._loop.events.call_soon_threadsafe(self._loop.checks.begin, due, found)

    def check(self, targets: Sequence[Target]) -> list[Finding]:
        """Check every target and give what was found of each, in the same order.

        Blocks the calling thread for as long as the slowest target takes, at most its timeout
        unless more targets than ``concurrency`` are being checked.  No target makes it raise;
        ``ProberStopped`` says that this prober was closed or that its thread died.
        """
        self._assert_running()
        checks = self._submitted(self._loop.checks.check_all(targets))
        try:
            return self._result(checks)
        finally:
            checks.cancel()

    def threads(self) -> tuple[threading.Thread, ...]:
        """Give the threads without which no check ends."""
        return (self._thread,)

    def close(self) -> None:
        """End the sessions that servers keep for us, the connections and the thread.

        Checks that are still running raise ``ProberStopped`` in their threads.
        """
        self._closed.set()
        with suppress(RuntimeError):  # The loop of a dead thread is closed.
            self._loop.events.call_soon_threadsafe(self._loop.stop.set)
        self._thread.join(self._settings.farewell_seconds + _GRACE_SECONDS)

    async def _serve(self, begun: Future[_Loop]) -> None:
        async with (
            _session(self._settings, self._trusted) as session,
            _session(self._settings, self._trusted, guarded=True) as guarded,
        ):
            checks = Checks(session, guarded, self._settings)
            loop = _Loop(asyncio.get_running_loop(), checks, asyncio.Event())
            begun.set_result(loop)
            await loop.stop.wait()
            await checks.close()

    def _submitted(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop.events)
        except RuntimeError:
            work.close()
            raise ProberStopped("The prober stopped before this check began.") from None

    def _assert_running(self) -> None:
        if self._closed.is_set():
            raise ProberStopped("The prober is closed: its process is on the way out.")
        if not self._thread.is_alive():
            raise ProberStopped("The prober's thread is dead: its process must be replaced.")

    def _result(self, future: Future[T]) -> T:
        while not wait([future], _LOOK_SECONDS).done:
            self._assert_running()
        try:
            return future.result()
        except CancelledError:
            raise ProberStopped("The prober stopped before this check had ended.") from None


def _session(settings: ProbeSettings, trusted: ssl.SSLContext, *, guarded: bool = False) -> ClientSession:
    connector = TCPConnector(
        limit=0,  # the number of checks at the same moment is limited instead
        ssl=trusted,
        resolver=DaemonResolver(),
        keepalive_timeout=settings.idle_seconds,
        socket_factory=settings.policy.socket if guarded else None,
    )
    return ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=None),  # each check has one timeout over all of its requests
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": "minimcp-probe", "Accept-Encoding": "identity"},
        auto_decompress=False,  # a few bytes could unfold to gigabytes
        read_bufsize=_READ_BUFFER,
        trace_configs=[trace()],
    )


def _trusted(settings: ProbeSettings) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.ca_file is not None:
        context.load_verify_locations(settings.ca_file)
    return context
