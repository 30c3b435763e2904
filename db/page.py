"""Pages that begin where the last one ended, which cost the same however deep they are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

_LAST_ID: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Mark:
    """The time and the id of the last row of a page."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Window:
    """A part of time, its beginning included; the months outside of it are not read."""

    since: datetime
    until: datetime

    def values(self, before: Mark | None, limit: int) -> dict[str, object]:
        """Give what a statement needs to return the newest rows of the window, or those before the mark."""
        mark = before or Mark(self.until, _LAST_ID)
        bounds = {"since": self.since, "until": self.until}
        return {**bounds, "before_at": mark.at, "before_id": mark.id, "limit": limit}
