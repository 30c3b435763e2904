"""Ports are leases: one instance each, given back, set aside, and kept in the range of the settings."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.errors import DatabaseError, PortsMissing
from tests.databases import TestDatabase

from .given import NOW, Given, a_wish


def _ports(given: Given, host_id: str) -> list[tuple[object, ...]]:
    rows = given.database.ask(
        "SELECT port, is_available, mcp_instance_id, set_aside_reason FROM port_allocations"
        " WHERE host_id = %s ORDER BY port",
        host_id,
    )
    return [tuple(row) for row in rows]


def _taken(db: Database, instance_id: UUID) -> bool:
    with db.transaction() as uow:
        return uow.instances.move_port(instance_id, error="nginx listens there", at=datetime.now(UTC))


def test_a_port_that_somebody_else_has_is_set_aside_and_the_next_one_leased(db: Database, given: Given) -> None:
    host_id = given.a_host(ports=2)
    instance_id = given.an_instance(db, host_id=host_id)
    assert _taken(db, instance_id)
    assert _ports(given, host_id) == [
        (4001, False, None, "nginx listens there"),
        (4002, False, instance_id, None),
    ]
    with db.transaction() as uow:
        state = uow.fleet.get(instance_id)
    assert state is not None
    assert (state.status, state.port, state.access_url) == ("pending", 4002, f"http://{host_id}:4002")
    assert given.events_of(instance_id) == ["created", "port_moved"]


def test_without_another_port_the_instance_ends_with_a_sentence(db: Database, given: Given) -> None:
    host_id = given.a_host(ports=1)
    instance_id = given.an_instance(db, host_id=host_id)
    assert not _taken(db, instance_id)
    with db.transaction() as uow:
        state = uow.fleet.get(instance_id)
    assert state is not None
    assert (state.status, state.error_message) == ("error", f"No other port is free on the host {host_id}.")
    assert _ports(given, host_id) == [(4001, False, None, "nginx listens there")]


def test_a_running_instance_keeps_its_port(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    assert not _taken(db, instance_id)
    assert given.events_of(instance_id)[-1] == "refused_move_port"


def test_a_new_host_is_opened_with_the_range_of_the_settings(db: Database, given: Given) -> None:
    host_id = f"new-{uuid4()}"
    wish = a_wish(given.a_user(), host_id=host_id)
    with pytest.raises(PortsMissing, match=host_id), db.transaction() as uow:
        uow.instances.create(wish)
    with db.transaction() as uow:
        assert uow.ports.open(host_id) == 100
        assert uow.instances.create(wish).port == 3001
    with db.transaction() as uow:
        assert uow.ports.open(host_id) == 100


@pytest.fixture
def alone(test_database: TestDatabase) -> Iterator[tuple[Database, Given]]:
    """Give a database that nobody shares, since reconciling looks at all hosts."""
    with test_database.worker() as db:
        yield db, Given(test_database)


def _age(given: Given) -> None:
    given.database.ask(
        "UPDATE port_allocations SET allocated_at = allocated_at - interval '2 hours',"
        " set_aside_at = set_aside_at - interval '2 hours'"
    )


def test_reconciling_frees_what_nobody_uses_and_nothing_else(alone: tuple[Database, Given]) -> None:
    db, given = alone
    host_id = given.a_host(ports=5)
    orphan_user = given.a_user()
    living, moved = given.an_instance(db, host_id=host_id), given.an_instance(db, host_id=host_id)
    given.an_instance(db, host_id=host_id, user_id=orphan_user)
    assert _taken(db, moved)
    given.database.ask("DELETE FROM users WHERE id = %s", orphan_user)
    _age(given)
    fresh = given.an_instance(db, host_id=host_id)
    given.database.ask("UPDATE mcp_instances SET status = 'error' WHERE id = %s", fresh)
    with db.transaction() as uow:
        assert uow.ports.reconcile().released == 2
    assert _ports(given, host_id) == [
        (4001, False, living, None),
        (4002, True, None, None),
        (4003, True, None, None),
        (4004, False, moved, None),
        (4005, False, fresh, None),
    ]
    _age(given)
    with db.transaction() as uow:
        assert uow.ports.reconcile().released == 1
        assert uow.ports.reconcile().total == 0


def test_a_range_that_was_changed_is_followed(alone: tuple[Database, Given]) -> None:
    db, given = alone
    own = given.a_host(ports=2)
    given.database.ask("UPDATE system_settings SET value = '3003' WHERE key = 'port.range_start'")
    given.database.ask("UPDATE system_settings SET value = '3102' WHERE key = 'port.range_end'")
    instance_id = given.an_instance(db, host_id="local")
    with db.transaction() as uow:
        assert (found := uow.ports.reconcile()).added == 2
        assert found.removed == 1, "port 3001 is leased and stays until it is free"
    ports = [port for port, *_ in _ports(given, "local")]
    assert ports == [3001, *range(3003, 3103)]
    assert [port for port, *_ in _ports(given, own)] == [4001, 4002], "ports of an operator's own stay"
    with db.transaction() as uow:
        assert uow.instances.delete(instance_id, reason=None, at=NOW)
    with db.transaction() as uow:
        assert uow.ports.reconcile().removed == 1


def test_a_range_without_ports_is_told_to_the_operator(alone: tuple[Database, Given]) -> None:
    db, given = alone
    given.database.ask("UPDATE system_settings SET value = '3000' WHERE key = 'port.range_end'")
    with pytest.raises(DatabaseError, match="set a range"), db.transaction() as uow:
        uow.ports.open("new")
