"""Applies small messages that were fetched together in one transaction."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from db.engine import Database
from db.unit_of_work import UnitOfWork

from .actor import AnyActor, Table
from .applier import Applier, HandedBackError
from .delivery import Delivery
from .fate import Apply, fate

log: Final = logging.getLogger(__name__)

PATIENCE_MS: Final = 250
"""How long a group waits for a row: whoever has it shall not keep all of its messages waiting."""


@dataclass(frozen=True)
class Member:
    """A message of a group."""

    apply: Apply
    delivery: Delivery


class GroupApplier:
    """Callable with one delivery, or with several that share a transaction; returns when all are settled.

    What cannot be applied together is applied alone, as if it had come alone: so a bad message or a row that somebody
    else holds costs its neighbours a moment and nothing else.
    """

    def __init__(
        self, database: Database, alone: Applier, actors: Mapping[str, AnyActor], *, stopping: threading.Event
    ) -> None:
        self._database = database
        self._alone = alone
        self._actors = actors
        self._stopping = stopping

    def __call__(self, *deliveries: Delivery) -> None:
        """Settle deliveries; raise ``HandedBackError`` with those that are to be given to somebody else."""
        left = self._left_of(deliveries) if len(deliveries) > 1 else deliveries
        for place, delivery in enumerate(left):
            if place and self._stopping.is_set():
                raise HandedBackError(left[place:])
            try:
                self._alone(delivery)
            except HandedBackError:
                raise HandedBackError(left[place:]) from None

    def _left_of(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Apply what can be applied without waiting; give back what is left, in its order."""
        members = [self._member(delivery) for delivery in deliveries]
        if self._applied([member for member in members if member is not None]):
            done = [member is not None for member in members]
        else:
            first = deliveries[0]
            log.info("%d messages are applied one by one: %s %s …", len(members), first.wire_name, first.message_id)
            done = [member is not None and self._applied([member]) for member in members]
        return [delivery for delivery, is_done in zip(deliveries, done, strict=True) if not is_done]

    def _member(self, delivery: Delivery) -> Member | None:
        try:
            decided = fate(delivery, self._actors, horizon=self._alone.horizon, now=datetime.now(UTC))
        except Exception:  # noqa: BLE001  whatever it is, it is met again when the message is settled alone
            return None
        if not isinstance(decided, Apply) or decided.actor.shares is None or delivery.redelivered:
            return None
        return Member(decided, delivery)

    def _applied(self, group: Sequence[Member]) -> bool:
        try:
            with self._database.transaction() as uow:
                apply_together(group, uow)
        except Exception as error:  # noqa: BLE001  each message meets its own error when it is settled alone
            log.debug("%d messages could not be applied together: %s", len(group), type(error).__name__)
            return False
        return True


def apply_together(group: Sequence[Member], uow: UnitOfWork) -> None:
    """Claim and apply messages that share a transaction, in the order in which they came, each that is new once."""
    uow.locks.hurry(PATIENCE_MS)
    by_id = {each.apply.message.message_id: each for each in group}
    new = uow.inbox.claim_all({message_id: each.delivery.wire_name for message_id, each in by_id.items()})
    members = [each for message_id, each in by_id.items() if message_id in new]
    actors = {each.apply.actor.shares: each.apply.actor for each in members}
    if len(actors) > 1:
        message = f"{', '.join(map(str, actors))} do not share a transaction"
        raise ValueError(message)
    for actor in actors.values():
        if actor.apply_all is not None:
            actor.apply_all([each.apply.message for each in members], uow)
        else:
            _apply_each(members, uow)


def _apply_each(members: Sequence[Member], uow: UnitOfWork) -> None:
    # Rows are locked first and in one order, so that two groups never wait for each other in a circle.
    locks = [each.apply.actor.lock(each.apply.message) for each in members]
    uow.locks.users({lock.row for lock in locks if lock.table is Table.USERS})
    uow.locks.instances({lock.row for lock in locks if lock.table is Table.INSTANCES})
    for each in members:
        each.apply.actor.apply(each.apply.message, uow)
