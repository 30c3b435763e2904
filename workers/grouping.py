"""Shares out what was fetched: small messages in groups, each thread one, and everything else alone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from .delivery import Delivery

MOST: Final = 128
"""How many messages share a transaction at the most: others wait for the rows that it locks."""

SMALL_BYTES: Final = 16 * 1024
"""The largest envelope that is grouped."""

Fetched = tuple[bytes, Delivery]
"""A delivery under the id that Redis has for it."""


@dataclass(frozen=True)
class Grouping:
    """Which messages share a transaction with which, by wire name, and how many threads wait for a share of them."""

    shares: Mapping[str, str] = field(default_factory=dict)
    threads: int = 1

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
            size = min(MOST, -(-len(group) // self.threads))
            yield from (group[start : start + size] for start in range(0, len(group), size))

    def _shares(self, delivery: Delivery) -> str | None:
        # What failed before or may have killed its worker would only undo the work of its neighbours.
        if delivery.redelivered or len(delivery.raw) > SMALL_BYTES:
            return None
        return self.shares.get(delivery.wire_name)
