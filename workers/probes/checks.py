"""The life of one check: a place, a timeout over everything, a report whatever happens."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from aiohttp import ClientError, ClientSession

from producers import HealthReport, HealthTarget, Probe

from .errors import ProbeError, TimedOut
from .failures import is_own_shortage, reason
from .finding import Finding, readable
from .http import HttpProbe
from .mcp import McpProbe
from .progress import Progress
from .settings import ProbeSettings
from .wire import Wire

log: Final = logging.getLogger(__name__)

_SHORTAGE_SECONDS: Final = 0.1


class Checks:
    """Checks many targets at once on one event loop; no target can hold up another."""

    def __init__(self, session: ClientSession, settings: ProbeSettings) -> None:
        wire = Wire(session, settings)
        self._http = HttpProbe(wire, settings)
        self._mcp = McpProbe(wire, settings)
        self._places = asyncio.Semaphore(settings.concurrency)
        self._running: set[asyncio.Future[list[HealthReport]]] = set()

    async def check_all(self, targets: Sequence[HealthTarget]) -> list[HealthReport]:
        """Check every target; the reports come in the order of the targets."""
        running = asyncio.gather(*(self._check(target) for target in targets))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        return await running

    async def close(self) -> None:
        """Give up running checks, and end the sessions that servers keep for us."""
        # A check that outlived its connections would report its target as unreachable.
        running = list(self._running)
        for checks in running:
            checks.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._mcp.close()

    async def _check(self, target: HealthTarget) -> HealthReport:
        async with self._places:
            try:
                finding = await self._find(target)
            except ProbeError as error:
                finding = Finding(error.verdict, str(error))
        return HealthReport(
            instance_id=target.instance_id,
            scheduled_at=target.scheduled_at,
            checked_at=datetime.now(UTC),
            verdict=finding.verdict,
            response_ms=finding.response_ms,
            error=None if finding.error is None else readable(finding.error),
            era=finding.era,
        )

    async def _find(self, target: HealthTarget) -> Finding:
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

    async def _ask(self, target: HealthTarget, progress: Progress) -> Finding:
        probe = self._mcp if target.probe is Probe.MCP else self._http
        while True:
            try:
                return await probe.probe(target, progress)
            except OSError as error:
                if not is_own_shortage(error):
                    raise
            progress.step = "while this worker was short of descriptors, ports or memory"
            await asyncio.sleep(_SHORTAGE_SECONDS)
