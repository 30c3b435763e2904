"""Shares out what was fetched: messages that share a transaction in groups, each thread one, everything else alone."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .delivery import Delivery

MOST: Final = 128
"""How many messages share a transaction at the most: others wait for the rows that it locks."""

SMALL_BYTES: Final = 16 * 1024
"""The largest envelope that is grouped, unless its actor only appends."""

GROUP_BYTES: Final = 1024 * 1024
"""Envelopes of so many bytes share a transaction at the most: a thread holds all that it makes of them."""

Fetched = tuple[bytes, Delivery]
"""A delivery under the id that Redis has for it."""


@dataclass(frozen=True)
class Grouping:
    """Which messages share a transaction with which, by wire name, and how many threads wait for a share of them.

    Those of the wire names in ``appended`` share however large they are.
    """

    shares: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1
    appended: Collection[str] = ()

    def split(self, fetched: Sequence[Fetched]) -> Iterator[list[Fetched]]:
        """Give every thread a group of what was fetched, in the order in which it came."""
        groups: dict[str, list[Fetched]] = defaultdict(list)
        for each in fetched:
            shares = self._shares(each[1])
            if shares is None:
                yield [each]
            else:
                groups[shares].append(each)
        for group in groups.values():
            yield from self._cut(group)

    def _cut(self, group: Sequence[Fetched]) -> Iterator[list[Fetched]]:
        most = min(MOST, -(-len(group) // self.threads))
        part: list[Fetched] = []
        size = 0
        for each in group:
            if part and (len(part) == most or size + len(each[1].raw) > GROUP_BYTES):
                yield part
                part, size = [], 0
            part.append(each)
            size += len(each[1].raw)
        if part:
            yield part

    def _shares(self, delivery: Delivery) -> str | None:
        # What failed before or may have killed its worker would only undo the work of its neighbours.
        if delivery.redelivered or not self._fits(delivery):
            return None
        return self.shares.get(delivery.wire_name)

    def _fits(self, delivery: Delivery) -> bool:
        return len(delivery.raw) <= SMALL_BYTES or delivery.wire_name in self.appended
