"""Applies deliveries: each message ends exactly once, applied or as a dead letter.

The fate of a delivery is decided in the order of the methods of ``Applier``: unreadable, unknown,
not yet due, invalid, too old or too new, poison, and only then applied.
"""

import logging
import random
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from db.engine import Database
from db.errors import DatabaseUnavailable, DataRefused, Refusal
from db.unit_of_work import UnitOfWork
from producers import InvalidMessage, Message
from producers import message_id as ids

from .actor import AnyActor
from .dead_letters import Death, Reason, bury, settle
from .delivery import Delivery
from .redaction import redacted_text
from .resources import Resources
from .transactor import Transactor

log: Final = logging.getLogger(__name__)

MAX_DELIVERIES: Final = 3
BACK_OFF: Final = (2, 10, 60, 300)
"""Seconds before the second, third, … attempt of a message whose actor raised; then it is given up."""

# Not what Redis counted: that also blames the messages that lay beside the one that killed its worker.
_FIRST_SUSPECT_DELIVERY: Final = 2
EARLY_ATTEMPTS: Final = 2
"""How often a message about something that is not there yet comes again: it may have overtaken another."""

_FUTURE: Final = timedelta(minutes=10)
_OUTAGE_PAUSE: Final = (0.1, 2.0)


class HandedBackError(Exception):
    """The process stops before the database is back: somebody else shall apply the message."""


class _GivenUpError(Exception):
    """A message will never be applied; carries why."""

    def __init__(self, death: Death) -> None:
        super().__init__(death.sentence)
        self.death = death


@dataclass(frozen=True)
class Policy:
    """How long the inbox remembers, which bounds the age of what may be applied."""

    inbox_horizon: timedelta = timedelta(days=30)


class Applier:
    """Callable with a delivery; returns when it is settled in PostgreSQL, so it may be acknowledged."""

    def __init__(
        self,
        database: Database,
        resources: Resources,
        actors: Mapping[str, AnyActor],
        *,
        stopping: threading.Event,
        policy: Policy | None = None,
    ) -> None:
        self._transactions = Transactor(database)
        self._resources = resources
        self._actors = actors
        self._stopping = stopping
        self._policy = policy or Policy()
        # Suspects start one at a time, so that only the one that kills the process is blamed.
        self._alone = threading.Lock()

    def __call__(self, delivery: Delivery) -> None:
        """Settle a delivery; waits while the database is away, and hands back when the process stops."""
        pause, longest = _OUTAGE_PAUSE
        while True:
            try:
                return self._settle(delivery)
            except DatabaseUnavailable as error:
                log.warning("the database is away, %s waits: %s", delivery.wire_name, error)
                reason = error
            except Exception:
                # Whoever gets it next would fail as fast: what cannot even be buried must not spin.
                self._stopping.wait(longest)
                raise
            if self._stopping.wait(random.uniform(pause / 2, pause)):  # noqa: S311  jitter, not a secret
                raise HandedBackError from reason
            pause = min(pause * 2, longest)

    def _settle(self, delivery: Delivery) -> None:
        try:
            self._decide(delivery)
        except _GivenUpError as given_up:
            death = given_up.death
            log.warning("%s %s is given up: %s", delivery.wire_name, delivery.message_id, death.reason)
            claim = _has_place(delivery, death)
            self._transactions.run(lambda uow: bury(delivery, death, uow, claim=claim))

    def _decide(self, delivery: Delivery) -> None:
        if delivery.problem is not None:
            raise _GivenUpError(Death(Reason.UNREADABLE, delivery.problem))
        actor = self._actors.get(delivery.wire_name)
        if actor is None:
            return self._put_by(delivery, "parked", due_at=None, error=None)
        if delivery.due_at is not None and delivery.due_at > datetime.now(UTC):
            return self._put_by(delivery, "delayed", due_at=delivery.due_at, error=None)
        message = self._understood(actor, delivery)
        if delivery.earlier:
            return self._apply_suspect(actor, message, delivery)
        return self._apply(actor, message, delivery)

    def _understood(self, actor: AnyActor, delivery: Delivery) -> Message:
        try:
            message: Message = actor.contract.received(delivery.payload, message_id=delivery.message_id)
        except InvalidMessage as error:
            raise _GivenUpError(Death(Reason.INVALID, str(error))) from None
        age = datetime.now(UTC) - ids.moment(message.message_id)
        if age < -_FUTURE:
            raise _GivenUpError(Death(Reason.FUTURE_ID, f"its id is {-age} in the future: check the sender's clock"))
        if age > self._policy.inbox_horizon:
            sentence = f"its id is {age.days} days old, the inbox remembers {self._policy.inbox_horizon.days}"
            raise _GivenUpError(Death(Reason.EXPIRED_ID, sentence))
        return message

    def _apply_suspect(self, actor: AnyActor, message: Message, delivery: Delivery) -> None:
        with self._alone:
            deliveries = self._transactions.run(
                lambda uow: uow.redeliveries.begin(
                    message.message_id,
                    queue=delivery.canonical_queue,
                    wire_name=delivery.wire_name,
                    envelope=_text(delivery),
                    deliveries=_FIRST_SUSPECT_DELIVERY,
                )
            )
            if deliveries > MAX_DELIVERIES:
                sentence = f"its worker died each of the {deliveries - 1} times it was delivered"
                raise _GivenUpError(Death(Reason.POISON, sentence))
            self._apply(actor, message, delivery)

    def _apply(self, actor: AnyActor, message: Message, delivery: Delivery) -> None:
        try:
            prepared = actor.prepared(message, self._resources)
            self._transactions.run(lambda uow: _apply_once(actor, prepared, delivery, uow))
        except DatabaseUnavailable:
            raise
        except Refusal as error:
            if not error.early or delivery.attempts >= EARLY_ATTEMPTS:
                raise _GivenUpError(Death(error.reason, str(error))) from None
            self._try_later(delivery, error)
        except DataRefused as error:
            raise _GivenUpError(Death(Reason.DATA_REFUSED, str(error), error)) from None
        except Exception as error:  # noqa: BLE001  whatever an actor raises, its message must not be lost
            self._try_later(delivery, error)

    def _try_later(self, delivery: Delivery, error: Exception) -> None:
        attempts = delivery.attempts + 1
        if attempts > len(BACK_OFF):
            sentence = f"it failed {attempts} times, the last time with {type(error).__name__}: {error}"
            raise _GivenUpError(Death(Reason.EXHAUSTED, sentence, error)) from error
        seconds = BACK_OFF[attempts - 1] * random.uniform(1, 1.5)  # noqa: S311  jitter, not a secret
        what = redacted_text(f"{type(error).__name__}: {error}")
        log.warning("%s %s failed, again in %.0f s: %s", delivery.wire_name, delivery.message_id, seconds, what)
        due_at = datetime.now(UTC) + timedelta(seconds=seconds)
        trace = redacted_text("".join(traceback.format_exception(error)))
        self._put_by(delivery, "retry", due_at=due_at, error=trace, attempts=attempts)

    def _put_by(
        self, delivery: Delivery, state: str, *, due_at: datetime | None, error: str | None, attempts: int = 0
    ) -> None:
        message_id = _uuid7(delivery.message_id)
        if message_id is None:
            raise _GivenUpError(Death(Reason.INVALID, "its id is not a UUID of version 7"))
        self._transactions.run(
            lambda uow: uow.redeliveries.postpone(
                message_id,
                queue=delivery.canonical_queue,
                wire_name=delivery.wire_name,
                envelope=_text(delivery),
                state=state,
                attempts=attempts,
                due_at=due_at,
                error=error,
            )
        )


def _apply_once(actor: AnyActor, message: Message, delivery: Delivery, uow: UnitOfWork) -> None:
    if uow.inbox.claim(UUID(delivery.message_id), delivery.wire_name):
        actor.apply(message, uow)
    settle(delivery, uow)


def _text(delivery: Delivery) -> str:
    return delivery.raw.decode("utf-8", "replace").replace("\x00", "\ufffd")


def _uuid7(text: str) -> UUID | None:
    try:
        candidate = UUID(text)
    except ValueError:
        return None
    return candidate if ids.is_message_id(candidate) else None


def _has_place(delivery: Delivery, death: Death) -> bool:
    if death.reason in {Reason.FUTURE_ID, Reason.EXPIRED_ID}:
        return False
    message_id = _uuid7(delivery.message_id)
    return message_id is not None and abs(datetime.now(UTC) - ids.moment(message_id)) < timedelta(days=30)
