from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.engine import Database
from db.repositories.redeliveries import Redelivery
from db.unit_of_work import UnitOfWork
from producers import message_id as ids

PAST = datetime.now(UTC) - timedelta(minutes=1)
WIRE_NAME = "logs.emitted.v1"


def _begin(uow: UnitOfWork, message_id: UUID) -> int:
    return uow.redeliveries.begin(message_id, queue="logs", wire_name=WIRE_NAME, envelope="{}")


def _postpone(
    uow: UnitOfWork, state: str, *, due_at: datetime | None, wire_name: str = WIRE_NAME, message_id: UUID | None = None
) -> UUID:
    message_id = message_id or ids.new()
    uow.redeliveries.postpone(
        message_id,
        queue="logs",
        wire_name=wire_name,
        envelope='{"a": 1}',
        state=state,
        attempts=2,
        due_at=due_at,
        error="it failed",
    )
    return message_id


def _due(uow: UnitOfWork, *wire_names: str) -> list[Redelivery]:
    return uow.redeliveries.due(wire_names=wire_names or [WIRE_NAME], limit=100, lease_seconds=30)


def test_every_start_of_a_suspect_is_counted(uow: UnitOfWork) -> None:
    message_id = ids.new()
    assert [_begin(uow, message_id) for _ in range(3)] == [2, 3, 4]


def test_a_message_that_was_put_by_keeps_its_count_of_starts(uow: UnitOfWork) -> None:
    message_id = ids.new()
    _begin(uow, message_id)
    _postpone(uow, "retry", due_at=PAST, message_id=message_id)
    assert _begin(uow, message_id) == 3
    assert uow.redeliveries.attempts(message_id) == 2


def test_what_is_due_is_handed_out_once_until_its_lease_ends(uow: UnitOfWork) -> None:
    message_id = _postpone(uow, "retry", due_at=PAST)
    later = _postpone(uow, "delayed", due_at=datetime.now(UTC) + timedelta(hours=1))
    (handed_out,) = _due(uow)
    assert handed_out == Redelivery(message_id, "logs", WIRE_NAME, '{"a": 1}', 2, 0)
    assert _due(uow) == []
    assert uow.redeliveries.attempts(later) == 2


def test_a_parked_message_waits_for_a_worker_that_knows_it(uow: UnitOfWork) -> None:
    message_id = _postpone(uow, "parked", due_at=None, wire_name="logs.emitted.v9")
    assert _due(uow) == []
    assert [row.message_id for row in _due(uow, WIRE_NAME, "logs.emitted.v9")] == [message_id]


def test_two_relays_never_hand_out_the_same_message(db: Database) -> None:
    with db.transaction() as uow:
        put_by = {_postpone(uow, "retry", due_at=PAST) for _ in range(6)}
    try:
        with db.transaction() as first, db.transaction() as second:
            some = first.redeliveries.due(wire_names=[], limit=2, lease_seconds=30)
            others = second.redeliveries.due(wire_names=[], limit=100, lease_seconds=30)
        handed_out = [row.message_id for row in (*some, *others)]
        assert set(handed_out) == put_by
        assert len(handed_out) == 6
    finally:
        with db.transaction() as uow:
            for message_id in put_by:
                uow.redeliveries.settle(message_id)


def test_a_settled_message_is_forgotten(uow: UnitOfWork) -> None:
    message_id = _postpone(uow, "retry", due_at=PAST)
    uow.redeliveries.settle(message_id)
    assert (uow.redeliveries.attempts(message_id), _due(uow)) == (0, [])


def test_messages_are_counted_by_state(uow: UnitOfWork) -> None:
    _begin(uow, ids.new())
    for state in ("retry", "retry", "delayed"):
        _postpone(uow, state, due_at=PAST)
    _postpone(uow, "parked", due_at=None)
    assert uow.redeliveries.counts() == {"delayed": 1, "parked": 1, "retry": 2, "suspect": 1}


@pytest.mark.parametrize("hostile", ["a\x00b", "a\ud800b"])
def test_an_envelope_that_postgresql_cannot_hold_is_mended(uow: UnitOfWork, hostile: str) -> None:
    uow.redeliveries.postpone(
        ids.new(), queue="q", wire_name="w", envelope=hostile, state="retry", attempts=1, due_at=PAST, error=hostile
    )
    assert [row.envelope for row in _due(uow)] == ["a\ufffdb"]
