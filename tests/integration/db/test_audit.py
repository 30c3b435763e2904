"""The audit trail grows and never changes."""

from datetime import timedelta
from uuid import uuid4

import pytest

from db.engine import Database
from db.errors import DataRefused, PartitionMissing, ValueRefused
from db.page import Window
from db.repositories.audit import Change

from .given import NOW, Given

WINDOW = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))


def _change(**wishes: object) -> Change:
    fields = {"id": uuid4(), "table_name": "users", "record_id": str(uuid4()), "action": "UPDATE", "created_at": NOW}
    return Change(**{**fields, "new_data": {"name": "Ada"}, **wishes})  # type: ignore[arg-type]  # a test's own wishes


def test_a_change_is_written_down_once_however_often_it_is_delivered(db: Database, given: Given) -> None:
    change = _change(user_id=given.a_user(), ip_address="10.0.0.1", old_data={"name": "A\x00da"})
    for expected in (True, False):
        with db.transaction() as uow:
            assert uow.audit.append(change) is expected
    with db.transaction() as uow:
        (found,) = uow.audit.of_record("users", change.record_id, WINDOW)
    assert (found.id, found.user_id, found.ip_address) == (change.id, change.user_id, "10.0.0.1")
    assert found.old_data == {"name": "A\ufffdda"}


def test_a_change_that_tells_nothing_is_refused(db: Database) -> None:
    with pytest.raises(ValueRefused, match="what was or what became"), db.transaction() as uow:
        uow.audit.append(_change(new_data=None))


def test_a_change_of_a_month_without_a_partition_says_which(db: Database) -> None:
    at = NOW + timedelta(days=800)
    with pytest.raises(PartitionMissing) as missing, db.transaction() as uow:
        uow.audit.append(_change(created_at=at))
    assert (missing.value.table, missing.value.at) == ("audit_log", [at])


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET record_id = 'x'", "DELETE FROM audit_log"])
def test_what_was_written_down_stays(db: Database, statement: str) -> None:
    with pytest.raises(DataRefused, match="permission denied"), db.transaction() as uow:
        uow._driver.execute(statement.encode())
