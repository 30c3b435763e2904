"""The MCP probe: asks in the newest era first, and remembers what each server speaks."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from aiohttp import ClientError

from producers import Verdict

from . import legacy_era, modern_era
from .conversations import Conversation, Conversations
from .errors import ProbeError, ProtocolBroken
from .exchange import Exchange, Reply
from .finding import Finding, answered
from .http import AUTH_WALLS
from .offers import offer
from .progress import Progress
from .settings import ProbeSettings
from .target import Target
from .wire import Wire

_RESTARTED: Final = "No longer knew our session: restarted, or the session was dropped when idle."

_NO_TOOLS: Final = "Lists no tools, where there were some."


class McpProbe:
    """Asks ``server/discover``; where that is unknown it keeps one session and pings in it."""

    def __init__(self, wire: Wire, settings: ProbeSettings) -> None:
        self._exchange = Exchange(wire)
        self._settings = settings
        self._conversations = Conversations(settings.conversation_limit)
        self._farewells: set[asyncio.Task[None]] = set()

    async def probe(self, target: Target, progress: Progress) -> Finding:
        """Ask for a sign of life; raise ``ProbeError`` when there is none that counts."""
        talk = self._conversations.of(target)
        progress.step = "while another check of it ran"
        async with talk.turn:
            self._part_with_surplus()
            finding = await self._sign_of_life(target, talk, progress)
            return await self._with_offer(finding, target, talk, progress) if target.lists else finding

    async def close(self) -> None:
        """End every session that a server keeps for us, as far as the time allows."""
        for talk in self._conversations.all():
            self._part(talk)
        if self._farewells:
            await asyncio.wait(self._farewells, timeout=self._settings.farewell_seconds)

    async def _sign_of_life(self, target: Target, talk: Conversation, progress: Progress) -> Finding:
        if talk.era == "legacy":
            reply = await legacy_era.ping(self._exchange, talk, progress)
            if not legacy_era.is_lost(reply):
                return self._judged(target, _alive(reply), talk)
            talk.lose()
        return self._judged(target, await self._meet(talk, progress), talk)

    async def _with_offer(self, finding: Finding, target: Target, talk: Conversation, progress: Progress) -> Finding:
        limit = self._settings.listing_limit

        async def ask(method: str, parameters: dict[str, Any]) -> Reply:
            if talk.era == "legacy":
                return await legacy_era.ask_for(self._exchange, talk, method, parameters, progress, limit=limit)
            return await modern_era.ask_for(self._exchange, talk.url, method, parameters, progress, limit=limit)

        found = await offer(ask, resources=target.resources)
        if found.tools == [] and target.expects_tools:
            return replace(finding, verdict=Verdict.TOOLS_MISSING, error=_NO_TOOLS, offer=found)
        return replace(finding, offer=found)

    async def _meet(self, talk: Conversation, progress: Progress) -> Reply:
        """Find out which era a server speaks, and give its sign of life."""
        # A meeting that was broken off by a timeout may have opened a session.
        self._part(talk)
        reply = await modern_era.discover(self._exchange, talk.url, progress)
        if modern_era.is_proven(reply):
            talk.era = "modern"
            return reply
        # Releases of the official SDK before 1.30 keep a session even for a request they refuse.
        self._part(Conversation(talk.url, session_id=reply.session_id))
        if reply.status in AUTH_WALLS or not modern_era.may_be_older(reply):
            raise reply.failed()
        talk.era = None
        return await self._meet_older(talk, progress, refusal=reply)

    async def _meet_older(self, talk: Conversation, progress: Progress, *, refusal: Reply) -> Reply:
        try:
            await legacy_era.shake_hands(self._exchange, talk, progress)
            return _alive(await legacy_era.ping(self._exchange, talk, progress))
        except ProtocolBroken as failure:
            message = f"{failure} {refusal.complaint()}"
            raise ProtocolBroken(message) from None

    def _judged(self, target: Target, reply: Reply, talk: Conversation) -> Finding:
        if talk.lost:
            talk.lost = False
            return Finding(Verdict.RESTARTED, _RESTARTED, reply.elapsed_ms, talk.era)
        return answered(
            reply.elapsed_ms,
            timeout_seconds=target.timeout_seconds,
            share=self._settings.degraded_share,
            era=talk.era,
        )

    def _part_with_surplus(self) -> None:
        for talk in self._conversations.surplus():
            self._part(talk)

    def _part(self, talk: Conversation) -> None:
        if talk.session_id is None:
            return
        farewell = asyncio.create_task(self._say_farewell(talk.url, talk.headers()))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)
        talk.forget()

    async def _say_farewell(self, url: str, headers: dict[str, str]) -> None:
        # The server forgets an idle session by itself: nothing depends on this request.
        with suppress(ProbeError, ClientError, OSError, ValueError):
            async with asyncio.timeout(self._settings.farewell_seconds):
                await self._exchange.end(url, headers)


def _alive(reply: Reply) -> Reply:
    if not legacy_era.is_alive(reply):
        raise reply.failed()
    return reply
