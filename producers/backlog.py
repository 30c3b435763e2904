"""What waits in a buffer, in the order in which it came, within a bound."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic

from .shapes import FULL, Gap, P, Shape

if TYPE_CHECKING:
    from collections.abc import Hashable


@dataclass(frozen=True)
class Waiting(Generic[P]):
    """One part that waits: its place, its weight in bytes, and since when."""

    place: int
    weight: int
    since: float
    part: P


class Backlog(Generic[P]):
    """Keeps parts in lanes by rank, so that the least important can be dropped first.

    Not thread-safe: its buffer holds a lock.
    """

    def __init__(self, shape: Shape[P]) -> None:
        self._shape = shape
        self._lanes: dict[int, deque[Waiting[P]]] = {}
        self._gaps: dict[Hashable, tuple[P, Gap]] = {}
        self._places = 0
        self.count = 0
        self.weight = 0

    def add(self, part: P, weight: int, since: float) -> None:
        """Put a part at the end."""
        lane = self._lanes.setdefault(self._shape.rank(part), deque())
        lane.append(Waiting(self._places, weight, since, part))
        self._places += 1
        self.count += 1
        self.weight += weight

    def drop(self) -> P:
        """Drop the oldest part of the lowest rank, note the gap, and give what was dropped."""
        rank = min(rank for rank, lane in self._lanes.items() if lane)
        part = self._pop(rank).part
        self.miss(part, FULL)
        return part

    def miss(self, part: P, why: str) -> None:
        """Note that a part is missing, and why."""
        at = self._shape.at(part)
        _, gap = self._gaps.setdefault((self._shape.subject(part), why), (part, Gap(at, at, why)))
        gap.add(at, self._shape.kind(part))

    def oldest(self) -> float | None:
        """Tell since when the first part waits."""
        heads = [lane[0] for lane in self._lanes.values() if lane]
        return min(heads, key=lambda head: head.place).since if heads else None

    def take(self, most: int, weight: int) -> list[Waiting[P]]:
        """Take parts from the front: at most so many, and so many bytes unless one alone has more."""
        taken: list[Waiting[P]] = []
        total = 0
        while len(taken) < most and (rank := self._first()) is not None:
            total += self._lanes[rank][0].weight
            if taken and total > weight:
                break
            taken.append(self._pop(rank))
        return taken

    def gaps(self, most: int) -> list[P]:
        """Take parts that tell of gaps, at most so many; what cannot be told is forgotten."""
        if self._shape.told is None:
            self._gaps.clear()
            return []
        subjects = list(self._gaps)[:most]
        return [self._shape.told(*self._gaps.pop(subject)) for subject in subjects]

    def has_gaps(self) -> bool:
        """Tell whether a gap is to be told."""
        return bool(self._gaps) and self._shape.told is not None

    def _first(self) -> int | None:
        ranks = [rank for rank, lane in self._lanes.items() if lane]
        return min(ranks, key=lambda rank: self._lanes[rank][0].place) if ranks else None

    def _pop(self, rank: int) -> Waiting[P]:
        waiting = self._lanes[rank].popleft()
        self.count -= 1
        self.weight -= waiting.weight
        return waiting
