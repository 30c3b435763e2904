"""Applies deliveries: each message ends exactly once, applied or as a dead letter."""

import logging
import random
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar
from uuid import UUID

from db.engine import Database
from db.errors import DatabaseError, DatabaseUnavailable, DataRefused, Refusal
from db.unit_of_work import UnitOfWork

from .actor import AnyActor, Identified
from .dead_letters import Death, Reason, bury, settle
from .delivery import Delivery
from .fate import Apply, PutBy, fate, has_place
from .redaction import redacted_text
from .resources import Resources
from .transactor import Transactor

T = TypeVar("T")

log: Final = logging.getLogger(__name__)

MAX_DELIVERIES: Final = 3
BACK_OFF: Final = (2, 10, 60, 300)
"""Seconds before the second, third, … attempt of a message whose actor raised; then it is given up."""

EARLY_ATTEMPTS: Final = 2
"""How often a message about something that is not there yet comes again: it may have overtaken another."""

HORIZON: Final = timedelta(days=30)
"""The oldest id that is applied, unless the inbox remembers less."""

_TURN_SECONDS: Final = 0.25
_OUTAGE_PAUSE: Final = (0.1, 2.0)


class HandedBackError(Exception):
    """Somebody else shall apply these deliveries, or this worker later; what came with them is settled."""

    def __init__(self, deliveries: Sequence[Delivery] = ()) -> None:
        super().__init__(f"{len(deliveries)} messages are handed back")
        self.deliveries = deliveries


class Applier:
    """Callable with a delivery; returns when it is settled in PostgreSQL, so it may be acknowledged."""

    def __init__(
        self,
        database: Database,
        resources: Resources,
        actors: Mapping[str, AnyActor],
        *,
        stopping: threading.Event,
        horizon: timedelta = HORIZON,
    ) -> None:
        self.horizon = horizon
        self._transactions = Transactor(database)
        self._resources = resources
        self._actors = actors
        self._stopping = stopping
        # Suspects start one at a time, so that only the one that kills the process is blamed.
        self._alone = threading.Lock()

    def __call__(self, delivery: Delivery) -> None:
        """Settle a delivery; raise ``HandedBackError`` when it is to be given to somebody else."""
        try:
            decided = fate(delivery, self._actors, horizon=self.horizon, now=datetime.now(UTC))
        except Exception as error:  # noqa: BLE001  a contract that raises must not keep its message going round
            self._try_later(delivery, error)
            return
        if isinstance(decided, Death):
            self._give_up(delivery, decided)
        elif isinstance(decided, PutBy):
            self._put_by(delivery, decided.state, due_at=decided.due_at)
        elif delivery.earlier:
            self._apply_suspect(decided, delivery)
        else:
            self._apply(decided, delivery)

    def _apply_suspect(self, decided: Apply, delivery: Delivery) -> None:
        # Not for long: suspects that wait must not keep the other threads from healthy messages.
        if not self._alone.acquire(timeout=_TURN_SECONDS):
            raise HandedBackError
        try:
            if self._stopping.is_set():
                raise HandedBackError
            starts = self._patiently(lambda uow: _begin(decided.message, delivery, uow))
            if starts > MAX_DELIVERIES:
                sentence = f"its worker died each of the {MAX_DELIVERIES} times it was delivered"
                self._give_up(delivery, Death(Reason.POISON, sentence))
            else:
                self._apply(decided, delivery)
        finally:
            self._alone.release()

    def _apply(self, decided: Apply, delivery: Delivery) -> None:
        try:
            prepared = decided.actor.prepared(decided.message, self._resources)
            self._patiently(lambda uow: _apply_once(decided.actor, prepared, delivery, uow))
        except HandedBackError:
            raise
        except Refusal as error:
            self._refused(delivery, error)
        except DataRefused as error:
            self._give_up(delivery, Death(Reason.DATA_REFUSED, str(error), error))
        except Exception as error:  # noqa: BLE001  whatever an actor raises, its message must not be lost
            self._try_later(delivery, error)

    def _refused(self, delivery: Delivery, error: Refusal) -> None:
        if error.early and delivery.attempts < EARLY_ATTEMPTS:
            self._try_later(delivery, error)
        else:
            self._give_up(delivery, Death(error.reason, str(error)))

    def _try_later(self, delivery: Delivery, error: Exception) -> None:
        attempts = delivery.attempts + 1
        if attempts > len(BACK_OFF):
            sentence = f"it failed {attempts} times, the last time with {type(error).__name__}: {error}"
            self._give_up(delivery, Death(Reason.EXHAUSTED, sentence, error))
            return
        seconds = BACK_OFF[attempts - 1] * random.uniform(1, 1.5)  # noqa: S311  jitter, not a secret
        what = redacted_text(f"{type(error).__name__}: {error}")
        log.warning("%s %s failed, again in %.0f s: %s", delivery.wire_name, delivery.message_id, seconds, what)
        due_at = datetime.now(UTC) + timedelta(seconds=seconds)
        trace = redacted_text("".join(traceback.format_exception(error)))
        self._put_by(delivery, "retry", due_at=due_at, error=trace, attempts=attempts)

    def _give_up(self, delivery: Delivery, death: Death) -> None:
        log.warning("%s %s is given up: %s", delivery.wire_name, delivery.message_id, death.reason)
        claim = has_place(delivery, horizon=self.horizon, now=datetime.now(UTC))
        try:
            self._patiently(lambda uow: bury(delivery, death, uow, claim=claim))
        except DatabaseError as error:
            # A letter without an inbox row is better than a message that comes back for ever.
            log.warning("%s cannot be entered in the inbox: %s", delivery.message_id, error)
            self._patiently(lambda uow: bury(delivery, death, uow, claim=False))

    def _put_by(
        self,
        delivery: Delivery,
        state: str,
        *,
        due_at: datetime | None,
        error: str | None = None,
        attempts: int = 0,
    ) -> None:
        self._patiently(
            lambda uow: uow.redeliveries.postpone(
                UUID(delivery.message_id),
                queue=delivery.canonical_queue,
                wire_name=delivery.wire_name,
                envelope=delivery.text,
                state=state,
                attempts=attempts,
                due_at=due_at,
                error=error,
            )
        )

    def _patiently(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run work in a transaction, however long the database is away; hand back when the process stops."""
        pause, longest = _OUTAGE_PAUSE
        while True:
            try:
                return self._transactions.run(work)
            except DatabaseUnavailable as error:
                log.warning("the database is away, messages wait: %s", error)
                reason = error
            if self._stopping.wait(random.uniform(pause / 2, pause)):  # noqa: S311  jitter, not a secret
                raise HandedBackError from reason
            pause = min(pause * 2, longest)


def _begin(message: Identified, delivery: Delivery, uow: UnitOfWork) -> int:
    return uow.redeliveries.begin(
        message.message_id, queue=delivery.canonical_queue, wire_name=delivery.wire_name, envelope=delivery.text
    )


def _apply_once(actor: AnyActor, prepared: object, delivery: Delivery, uow: UnitOfWork) -> None:
    if uow.inbox.claim(UUID(delivery.message_id), delivery.wire_name):
        actor.apply(prepared, uow)
    settle(delivery, uow)
