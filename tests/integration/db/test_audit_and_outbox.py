"""The audit trail grows and never changes; the outbox takes messages of whom the transaction works for."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
import pytest

from db import roles
from db.engine import Database
from db.errors import DataRefused, PartitionMissing, ValueRefused
from db.page import Window
from db.repositories.audit import Change
from db.repositories.outbox import Outbox
from producers import message_id as ids
from tests.databases import PASSWORD, TestDatabase

from .given import NOW, Given

LOGIN = "minimcp_test_outbox"
WINDOW = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))


@pytest.fixture
def producer(shared: TestDatabase) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    roles.create_login(shared.admin_url, LOGIN, PASSWORD, "producer")
    parts = urlsplit(shared.admin_url)
    url = parts._replace(netloc=f"{LOGIN}:{quote(PASSWORD)}@{parts.hostname}:{parts.port}").geturl()
    with psycopg.connect(url) as connection:
        yield connection


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


def test_a_message_of_the_outbox_is_due_once_its_time_has_come(
    db: Database, given: Given, producer: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    now, later = ids.new(), ids.new()
    producer.execute("SELECT set_config('app.user_id', %s, true)", [str(given.a_user())])
    outbox = Outbox(producer)
    outbox.enqueue(now, queue="logs", wire_name="logs.emitted.v1", payload={"lines": ["a\x00b"]})
    outbox.enqueue(later, queue="logs", wire_name="a.b.v1", payload={}, due_at=NOW + timedelta(days=1))
    producer.commit()
    with db.transaction() as uow:
        due = {unsent.message_id: unsent for unsent in uow.outbox.due()}
        assert uow.outbox.lag() > timedelta()
    assert due[now].payload == {"lines": ["a\ufffdb"]}
    assert later not in due


def test_a_message_of_nobody_is_refused(producer: "psycopg.Connection[tuple[object, ...]]") -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        Outbox(producer).enqueue(ids.new(), queue="logs", wire_name="a.b.v1", payload={})
    assert refused.value.diag.constraint_name == "check_outbox_sender"


def test_a_worker_does_not_put_messages_into_the_outbox(db: Database) -> None:
    with pytest.raises(DataRefused, match="permission denied"), db.transaction() as uow:
        uow.outbox.enqueue(ids.new(), queue="logs", wire_name="a.b.v1", payload={})
