"""What is remembered of the MCP servers that were met: era, version, session."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from producers.messages.health import Era

from .exchange import SESSION_HEADER, VERSION_HEADER
from .target import Target

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(slots=True)
class Conversation:
    """The state of talking to one server; two checks of it take turns."""

    url: str
    era: Era | None = None
    version: str | None = None
    session_id: str | None = None
    lost: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def headers(self) -> dict[str, str]:
        """Give the headers that every request of a met legacy server carries."""
        headers = {VERSION_HEADER: self.version, SESSION_HEADER: self.session_id}
        return {name: value for name, value in headers.items() if value is not None}

    def forget(self) -> None:
        """Start over with nothing known."""
        self.era = self.version = self.session_id = None

    def lose(self) -> None:
        """Start over because the server no longer knows us; ``lost`` until it is met again."""
        self.forget()
        self.lost = True


class Conversations:
    """One conversation per target and URL; the one used longest ago makes room."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[tuple[UUID, str], Conversation] = OrderedDict()

    def of(self, target: Target) -> Conversation:
        """Find or begin the conversation with a target."""
        key = (target.id, target.url)
        conversation = self._kept.setdefault(key, Conversation(target.url))
        self._kept.move_to_end(key)
        return conversation

    def surplus(self) -> Iterator[Conversation]:
        """Take out the conversations that are too many and not in use, eldest first."""
        while len(self._kept) > self._limit:
            key, eldest = next(iter(self._kept.items()))
            if eldest.turn.locked():
                return
            del self._kept[key]
            yield eldest

    def all(self) -> list[Conversation]:
        """Give every conversation that is kept."""
        return list(self._kept.values())
