"""What a transaction promises when things go wrong."""

import threading
import traceback
from collections.abc import Iterator
from functools import partial
from uuid import UUID, uuid4

import psycopg
import pytest

from db.engine import Database
from db.errors import (
    Conflict,
    DatabaseError,
    DatabaseUnavailable,
    DataRefused,
    OutOfSpace,
    PartitionMissing,
    ReferenceMissing,
    UnknownInstance,
    UnusableUrl,
    ValueTaken,
    translate,
)
from db.settings import DatabaseSettings
from producers import message_id as ids
from tests.databases import TestDatabase

from .given import NOW, Given, a_wish, at_once

WIRE_NAME = "instances.started.v1"


@pytest.fixture
def own_pool(shared: TestDatabase) -> Iterator[Database]:
    database = Database(DatabaseSettings(url=shared.worker_url, pool_size=4, application_name="minimcp-lost"))
    yield database
    database.close()


def _claim(database: Database) -> bool:
    with database.transaction() as uow:
        return uow.inbox.claim(ids.new(), WIRE_NAME)


def _terminate(shared: TestDatabase) -> None:
    shared.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'minimcp-lost'")


def _fill(database: Database, connections: int) -> None:
    """Open several connections, as several threads do."""
    if connections:
        with database.transaction() as uow:
            uow.settings.all()
            _fill(database, connections - 1)


def test_all_that_is_done_in_a_transaction_is_done_or_nothing(db: Database, given: Given) -> None:
    message_id, wish = ids.new(), a_wish(given.a_user(), host_id=given.a_host(ports=1))
    with pytest.raises(ZeroDivisionError), db.transaction() as uow:  # noqa: PT012  the transaction is what raises
        uow.inbox.claim(message_id, WIRE_NAME)
        uow.instances.create(wish)
        raise ZeroDivisionError
    with db.transaction() as uow:
        assert uow.inbox.claim(message_id, WIRE_NAME)
        assert uow.fleet.get(wish.id) is None


def test_a_savepoint_undoes_its_block_and_the_transaction_goes_on(db: Database) -> None:
    kept, undone = ids.new(), ids.new()
    with db.transaction() as uow:
        uow.inbox.claim(kept, WIRE_NAME)
        with pytest.raises(DataRefused), uow.savepoint():  # noqa: PT012  the savepoint is what raises
            uow.inbox.claim(undone, WIRE_NAME)
            uow.inbox.claim(ids.new(), "far too long " * 10)
    with db.transaction() as uow:
        assert [uow.inbox.claim(message_id, WIRE_NAME) for message_id in (kept, undone)] == [False, True]


def test_a_savepoint_may_be_the_first_thing_in_a_transaction(db: Database) -> None:
    message_id = ids.new()
    with db.transaction() as uow, uow.savepoint():
        uow.inbox.claim(message_id, WIRE_NAME)
    with db.transaction() as uow:
        assert not uow.inbox.claim(message_id, WIRE_NAME)


def test_a_lost_connection_fails_one_transaction_and_the_pool_recovers(
    shared: TestDatabase, own_pool: Database
) -> None:
    _fill(own_pool, 4)
    _terminate(shared)
    with pytest.raises(DatabaseUnavailable):
        _claim(own_pool)
    assert all(_claim(own_pool) for _ in range(8)), "the other connections went down too, and were replaced"


def test_a_connection_that_is_lost_between_two_statements_takes_nothing_with_it(
    shared: TestDatabase, own_pool: Database
) -> None:
    message_id = ids.new()
    with pytest.raises(DatabaseUnavailable), own_pool.transaction() as uow:  # noqa: PT012  the transaction is what raises
        uow.inbox.claim(message_id, WIRE_NAME)
        _terminate(shared)
        uow.redeliveries.settle(message_id)
    with own_pool.transaction() as uow:
        assert uow.inbox.claim(message_id, WIRE_NAME)


def test_a_connection_that_is_lost_before_the_commit_is_told(shared: TestDatabase, own_pool: Database) -> None:
    with pytest.raises(DatabaseUnavailable), own_pool.transaction() as uow:  # noqa: PT012  the transaction is what raises
        uow.inbox.claim(ids.new(), WIRE_NAME)
        _terminate(shared)
    assert _claim(own_pool)


def test_an_exception_of_the_caller_survives_a_lost_connection(shared: TestDatabase, own_pool: Database) -> None:
    with pytest.raises(ZeroDivisionError), own_pool.transaction() as uow:  # noqa: PT012  the transaction is what raises
        uow.inbox.claim(ids.new(), WIRE_NAME)
        _terminate(shared)
        raise ZeroDivisionError
    assert _claim(own_pool)


def test_a_process_without_a_free_connection_says_so(shared: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("db.engine._POOL_TIMEOUT_SECONDS", 0.1)
    database = Database(DatabaseSettings(url=shared.worker_url, pool_size=1))
    try:
        with pytest.raises(DatabaseUnavailable, match="pool_size"):
            _fill(database, 4)
    finally:
        database.close()


def test_of_two_transactions_that_wait_for_each_other_one_is_a_conflict(db: Database, given: Given) -> None:
    ids_in_order = [given.an_instance(db), given.an_instance(db)]
    each_holds_one = threading.Barrier(2)

    def fail_both(order: list[UUID]) -> type[Exception] | None:
        try:
            with db.transaction() as uow:
                uow.instances.fail(order[0], error="x", at=NOW)
                each_holds_one.wait()
                uow.instances.fail(order[1], error="x", at=NOW)
        except DatabaseError as error:
            return type(error)
        return None

    outcomes = at_once([partial(fail_both, ids_in_order), partial(fail_both, ids_in_order[::-1])])
    assert sorted(outcomes, key=str) == [Conflict, None]


def test_what_a_row_held_is_in_no_message_and_no_traceback(db: Database, given: Given) -> None:
    """PostgreSQL quotes whole rows in the DETAIL of an error, and tracebacks are stored with dead letters."""
    wish = a_wish(given.a_user(), host_id=given.a_host(ports=1), name="a secret name", access_token_hash="no hash")
    with pytest.raises(DataRefused) as refused, db.transaction() as uow:
        uow.instances.create(wish)
    assert refused.value.constraint == "check_access_token_hash"
    assert "a secret name" not in "".join(traceback.format_exception(refused.value))


def test_a_refusal_of_the_domain_comes_out_as_it_is(db: Database) -> None:
    with pytest.raises(UnknownInstance) as refused, db.transaction() as uow:
        uow.instances.fail(uuid4(), error="x", at=NOW)
    assert refused.value.reason == "unknown-instance"


def test_the_driver_refusing_a_value_is_data_refused(db: Database) -> None:
    with pytest.raises(DataRefused), db.transaction() as uow:
        uow.inbox.claim(ids.new(), "a\x00b")


@pytest.mark.parametrize("prefix", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_usual_prefix_of_a_url_is_understood(shared: TestDatabase, prefix: str) -> None:
    url = shared.worker_url.replace("postgresql://", f"{prefix}://")
    database = Database(DatabaseSettings(url=url))
    try:
        assert _claim(database)
    finally:
        database.close()


def test_a_session_has_the_limits_of_its_settings_and_those_of_its_url(shared: TestDatabase) -> None:
    url = f"{shared.worker_url}?options=-c%20work_mem%3D5MB"
    database = Database(DatabaseSettings(url=url, statement_timeout_ms=1234, lock_timeout_ms=567))
    try:
        with database.transaction() as uow:
            names = ("statement_timeout", "lock_timeout", "timezone", "work_mem", "idle_in_transaction_session_timeout")
            found = [uow._driver.execute(f"SHOW {name}".encode()).fetchone() for name in names]
    finally:
        database.close()
    assert found == [("1234ms",), ("567ms",), ("UTC",), ("5MB",), ("1min",)]


def test_the_url_is_not_shown_with_the_settings() -> None:
    assert "secret" not in repr(DatabaseSettings(url="postgresql://a:secret@b/c"))


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("40001", Conflict),
        ("40P01", Conflict),
        ("55P03", Conflict),
        ("08006", DatabaseUnavailable),
        ("57P01", DatabaseUnavailable),
        ("57P03", DatabaseUnavailable),
        ("53300", DatabaseUnavailable),
        ("25006", DatabaseUnavailable),
        ("53100", OutOfSpace),
        ("22P02", DataRefused),
        ("23001", ReferenceMissing),
        ("23502", DataRefused),
        ("23503", ReferenceMissing),
        ("23505", ValueTaken),
        ("42501", DataRefused),
        ("23514", PartitionMissing),
        ("57014", DatabaseError),
        ("XX000", DatabaseError),
    ],
)
def test_every_state_of_the_server_has_its_place_in_the_tree(state: str, kind: type[DatabaseError]) -> None:
    error = psycopg.errors.lookup(state)("it failed")
    translated = translate(error)
    assert type(translated) is kind


def test_an_error_of_somebody_else_is_not_translated() -> None:
    assert translate(ZeroDivisionError()) is None


@pytest.mark.parametrize("url", ["", "nonsense", "redis://localhost", "postgresql://u:pass%zzword@h/d"])
def test_a_url_that_cannot_be_read_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(UnusableUrl) as refused:
        Database(DatabaseSettings(url=url))
    assert "postgresql://USER:PASSWORD@HOST/NAME" in str(refused.value)
    assert "word@" not in str(refused.value)
