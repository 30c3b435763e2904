"""Pages that begin where the last one ended, which cost the same however deep they are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

_FIRST_ID: Final = UUID(int=0)
_LAST_ID: Final = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """The time and the id of the last row of a page; what is newer is greater."""

    at: datetime
    id: UUID


@dataclass(frozen=True, slots=True)
class Window:
    """A part of time, its beginning included; the months outside of it are not read."""

    since: datetime
    until: datetime

    def values(self, before: Mark | None, limit: int) -> dict[str, object]:
        """Give what a statement needs to return the newest rows of the window, or those before the mark."""
        mark = before or self.end
        return {**self._bounds, "before_at": mark.at, "before_id": mark.id, "limit": limit}

    def values_from(self, after: Mark | None) -> dict[str, object]:
        """Give what a statement needs to return the oldest rows of the window, or those after the mark."""
        mark = after or Mark(self.since, _FIRST_ID)
        return {**self._bounds, "after_at": mark.at, "after_id": mark.id}

    @property
    def end(self) -> Mark:
        """The mark that everything in the window is before."""
        return Mark(self.until, _LAST_ID)

    @property
    def _bounds(self) -> dict[str, object]:
        return {"since": self.since, "until": self.until}
