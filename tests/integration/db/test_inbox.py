import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from db.engine import Database
from db.errors import DataRefused, PartitionMissing
from db.unit_of_work import UnitOfWork
from producers import message_id as ids

from .given import at_once

WIRE_NAME = "instances.started.v1"


def _id_of(moment: datetime) -> UUID:
    return UUID(int=int(moment.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | 1)


def _claiming(db: Database, message_id: UUID) -> Callable[[], bool]:
    def claim() -> bool:
        with db.transaction() as uow:
            return uow.inbox.claim(message_id, WIRE_NAME)

    return claim


def test_a_message_is_claimed_once_by_eight_threads_that_try_together(db: Database) -> None:
    for _ in range(5):
        assert sum(at_once([_claiming(db, ids.new())] * 8)) == 1


def test_a_claim_that_was_rolled_back_is_free_again(db: Database) -> None:
    message_id = ids.new()
    with pytest.raises(ZeroDivisionError), db.transaction() as uow:  # noqa: PT012  the transaction is what raises
        assert uow.inbox.claim(message_id, WIRE_NAME)
        raise ZeroDivisionError
    assert _claiming(db, message_id)()


def test_a_twin_waits_for_the_transaction_that_claimed_first(db: Database) -> None:
    """Else the twin would be acknowledged although the first may still roll back."""
    message_id, finished = ids.new(), threading.Event()
    with ThreadPoolExecutor(1) as other:
        with pytest.raises(ZeroDivisionError), db.transaction() as uow:  # noqa: PT012  the transaction is what raises
            assert uow.inbox.claim(message_id, WIRE_NAME)
            twin = other.submit(_claiming(db, message_id))
            twin.add_done_callback(lambda _: finished.set())
            assert not finished.wait(0.1)
            raise ZeroDivisionError
        assert twin.result(timeout=5)


def test_a_buried_message_cannot_be_claimed_until_it_is_forgotten(uow: UnitOfWork) -> None:
    message_id = ids.new()
    assert uow.inbox.bury(message_id, WIRE_NAME)
    assert not uow.inbox.claim(message_id, WIRE_NAME)
    assert not uow.inbox.bury(message_id, WIRE_NAME)
    uow.inbox.forget(message_id)
    assert uow.inbox.claim(message_id, WIRE_NAME)


def test_an_applied_message_is_not_forgotten(uow: UnitOfWork) -> None:
    message_id = ids.new()
    assert uow.inbox.claim(message_id, WIRE_NAME)
    uow.inbox.forget(message_id)
    assert not uow.inbox.claim(message_id, WIRE_NAME)


def test_an_id_without_a_partition_says_which_partition_is_missing(db: Database) -> None:
    moment = datetime.now(UTC) + timedelta(days=125)
    message_id = _id_of(moment)
    with pytest.raises(PartitionMissing) as missing:
        _claiming(db, message_id)()
    assert missing.value.table == "inbox"
    assert missing.value.at is not None
    assert abs(missing.value.at[0] - moment) < timedelta(seconds=1)


def test_a_partition_that_is_missing_can_be_made_and_used(db: Database) -> None:
    # Beyond the months that are kept ready, yet inside what the policy allows.
    moment = (datetime.now(UTC).replace(day=1) + timedelta(days=32 * 4)).replace(day=2)
    with db.transaction() as uow:
        assert uow.partitions.ensure_for("inbox", [moment]) == [f"inbox_y{moment:%Y}m{moment:%m}"]
    with db.transaction() as uow:
        assert uow.partitions.ensure_for("inbox", [moment, moment]) == []
    assert _claiming(db, _id_of(moment))()


@pytest.mark.parametrize("years", [-20, 30])
def test_no_message_can_have_partitions_made_for_a_wild_time(db: Database, years: int) -> None:
    with pytest.raises(DataRefused) as refused, db.transaction() as uow:
        uow.partitions.ensure_for("inbox", [datetime.now(UTC) + timedelta(days=365 * years)])
    assert refused.value.sqlstate == "22008"


def test_the_horizon_is_the_retention_of_the_policy(uow: UnitOfWork) -> None:
    assert uow.inbox.horizon() == timedelta(days=35)
