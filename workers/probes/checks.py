"""The life of one check: a place, a timeout over everything, a finding whatever happens."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from aiohttp import ClientError, ClientSession

from producers import Probe

from .errors import ProbeError, TimedOut
from .failures import is_own_shortage, reason
from .finding import Finding
from .http import HttpProbe
from .mcp import McpProbe
from .progress import Progress
from .settings import ProbeSettings
from .target import Target
from .wire import Wire

log: Final = logging.getLogger(__name__)

Found: TypeAlias = Callable[[Target, Finding], None]

_SHORTAGE_SECONDS: Final = 0.1


class _Probes:
    """The probes over one pool of connections."""

    def __init__(self, session: ClientSession, elsewhere: ClientSession, settings: ProbeSettings) -> None:
        wire = Wire(session, elsewhere, settings)
        self.http = HttpProbe(wire, settings)
        self.mcp = McpProbe(wire, settings)


class Checks:
    """Checks many targets at once on one event loop; no target can hold up another."""

    def __init__(self, session: ClientSession, guarded: ClientSession, settings: ProbeSettings) -> None:
        self._ours = _Probes(session, guarded, settings)
        self._registered = _Probes(guarded, guarded, settings)
        self._places = asyncio.Semaphore(settings.concurrency)
        self._running: set[asyncio.Future[Finding]] = set()

    async def check_all(self, targets: Sequence[Target]) -> list[Finding]:
        """Check every target; the findings come in the order of the targets."""
        return await asyncio.gather(*(self._running_check(target) for target in targets))

    def begin(self, due: Sequence[tuple[float, Target]], found: Found) -> None:
        """Check each target once its seconds are over, and tell what was found as soon as it is."""
        loop = asyncio.get_running_loop()
        for seconds, target in due:
            loop.call_later(max(0.0, seconds), self._tell, target, found)

    async def close(self) -> None:
        """Give up running checks, and end the sessions that servers keep for us."""
        # A check that outlived its connections would report its target as unreachable.
        running = list(self._running)
        for check in running:
            check.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.gather(self._ours.mcp.close(), self._registered.mcp.close())

    def _tell(self, target: Target, found: Found) -> None:
        def done(check: "asyncio.Future[Finding]") -> None:
            if not check.cancelled():
                found(target, check.result())

        self._running_check(target).add_done_callback(done)

    def _running_check(self, target: Target) -> "asyncio.Future[Finding]":
        check = asyncio.ensure_future(self._check(target))
        self._running.add(check)
        check.add_done_callback(self._running.discard)
        return check

    async def _check(self, target: Target) -> Finding:
        async with self._places:
            try:
                finding = await self._find(target)
            except ProbeError as error:
                finding = Finding(error.verdict, str(error))
        return finding.told()

    async def _find(self, target: Target) -> Finding:
        progress = Progress()
        try:
            async with asyncio.timeout(target.timeout_seconds):
                return await self._ask(target, progress)
        except TimeoutError:
            seconds = f"{target.timeout_seconds:g} s"
            raise TimedOut(f"No complete answer within {seconds}; ended {progress.step}.") from None
        except ProbeError:
            raise
        except (ClientError, OSError) as error:
            raise reason(error, target.url) from None
        except Exception as error:
            # A target that finds a gap in the probes must not cost its neighbours their reports.
            log.exception("A probe failed in an unforeseen way")
            raise reason(error, target.url) from error

    async def _ask(self, target: Target, progress: Progress) -> Finding:
        probes = self._ours if target.is_ours else self._registered
        probe = probes.mcp if target.probe is Probe.MCP else probes.http
        while True:
            try:
                return await probe.probe(target, progress)
            except OSError as error:
                if not is_own_shortage(error):
                    raise
            progress.step = "while this worker was short of descriptors, ports or memory"
            await asyncio.sleep(_SHORTAGE_SECONDS)
