"""Applies small messages that were fetched together in one transaction."""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from db.engine import Database
from db.errors import DatabaseUnavailable
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

    A group that cannot be applied is halved until only those are left that fail by themselves; they are settled as if
    they had come alone.  So a bad message or a row that somebody else holds costs its neighbours a moment and nothing
    else.
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
        members = [each for each in map(self._member, deliveries) if each is not None]
        failed = self._failed(members, PATIENCE_MS)
        if failed:
            first = failed[0].delivery
            log.info("%d messages are applied alone: %s %s …", len(failed), first.wire_name, first.message_id)
        done = {id(each.delivery) for each in members} - {id(each.delivery) for each in failed}
        return [delivery for delivery in deliveries if id(delivery) not in done]

    def _failed(self, group: Sequence[Member], patience_ms: int) -> Sequence[Member]:
        """Apply a group, or what can be applied of each half of it; give back what cannot."""
        try:
            if not group or self._applied(group, patience_ms):
                return []
        except DatabaseUnavailable:
            # No half of it fares better: the first that is settled alone waits, and can be stopped.
            return group
        if len(group) == 1:
            return group
        half = len(group) // 2
        # Half as long for each half, so that one held row costs its neighbours no more than twice the patience.
        less = max(1, patience_ms // 2)
        return [*self._failed(group[:half], less), *self._failed(group[half:], less)]

    def _member(self, delivery: Delivery) -> Member | None:
        try:
            decided = fate(delivery, self._actors, horizon=self._alone.horizon, now=datetime.now(UTC))
        except Exception:  # noqa: BLE001  whatever it is, it is met again when the message is settled alone
            return None
        if not isinstance(decided, Apply) or decided.actor.shares is None or delivery.redelivered:
            return None
        return Member(decided, delivery)

    def _applied(self, group: Sequence[Member], patience_ms: int) -> bool:
        try:
            with self._database.transaction() as uow:
                uow.locks.hurry(patience_ms)
                apply_together(group, uow)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  each message meets its own error when it is settled alone
            log.debug("%d messages could not be applied together: %s", len(group), type(error).__name__)
            return False
        return True


def apply_together(group: Sequence[Member], uow: UnitOfWork) -> None:
    """Claim and apply messages that share a transaction, in the order in which they came, each that is new once."""
    by_id = {each.apply.message.message_id: each for each in group}
    new = uow.inbox.claim_all({message_id: each.delivery.wire_name for message_id, each in by_id.items()})
    members = [each.apply for message_id, each in by_id.items() if message_id in new]
    _lock(members, uow)
    for _, run in groupby(members, key=lambda each: each.actor.contract.wire_name):
        same = list(run)
        same[0].actor.apply_run([each.message for each in same], uow)


def _lock(members: Sequence[Apply], uow: UnitOfWork) -> None:
    # Rows are locked first and in one order, so that two groups never wait for each other in a circle.
    locks = [each.actor.locks(each.message) for each in members if each.actor.locks is not None]
    uow.locks.users({lock.row for lock in locks if lock.table is Table.USERS})
    uow.locks.instances({lock.row for lock in locks if lock.table is Table.INSTANCES})
