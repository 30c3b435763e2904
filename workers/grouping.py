"""Groups: small messages that were fetched together are applied in one transaction."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, Self

from db.unit_of_work import UnitOfWork

from .actor import Lock
from .dead_letters import settle
from .delivery import Delivery
from .fate import Apply, Fate

MOST: Final = 32
"""How many messages share a transaction at the most: others wait for the rows that it locks."""

Fetched = tuple[bytes, Delivery]
"""A delivery under the id that Redis has for it."""


@dataclass(frozen=True)
class Grouping:
    """Which messages may share a transaction, and how many threads wait for a share of them."""

    wire_names: Collection[str] = field(default_factory=frozenset)
    threads: int = 1

    def split(self, fetched: Sequence[Fetched]) -> Iterator[list[Fetched]]:
        """Give every thread a group of what was fetched; what must not be grouped is given alone."""
        small = [each for each in fetched if self._may_share(each[1])]
        yield from ([each] for each in fetched if not self._may_share(each[1]))
        size = min(MOST, -(-len(small) // self.threads))
        yield from (small[start : start + size] for start in range(0, len(small), size or 1))

    def _may_share(self, delivery: Delivery) -> bool:
        # Whoever may have killed its worker starts alone, or its neighbours would be blamed too.
        return delivery.wire_name in self.wire_names and not delivery.earlier


@dataclass(frozen=True)
class Member:
    """A message that shares a transaction, and the row that it locks first."""

    apply: Apply
    delivery: Delivery
    lock: Lock

    @classmethod
    def of(cls, decided: Fate, delivery: Delivery) -> Self | None:
        """Make one of a delivery that is to be applied by an actor that shares; of others none."""
        if not isinstance(decided, Apply) or decided.actor.locks is None or delivery.earlier:
            return None
        return cls(decided, delivery, decided.actor.locks(decided.message))


def apply_together(group: Sequence[Member], uow: UnitOfWork) -> None:
    """Claim and apply the messages of a group, each that is new once."""
    new = uow.inbox.claim_all({each.apply.message.message_id: each.delivery.wire_name for each in group})
    # Groups that lock the same rows do it in the same order, so that they never wait for each other in a circle.
    for each in sorted(group, key=attrgetter("lock")):
        message = each.apply.message
        if message.message_id in new:
            new.remove(message.message_id)
            each.apply.actor.apply(message, uow)
        settle(each.delivery, uow)
