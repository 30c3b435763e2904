from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.errors import Conflict, DataRefused, UnknownType, UnknownUser
from db.repositories.instances import CreatedState, NewInstance
from db.settings import DatabaseSettings
from tests.databases import TestDatabase

from .given import Given, a_wish, at_once


class _UndoneError(Exception):
    """Ends a transaction."""


def _creating(db: Database, wish: NewInstance) -> Callable[[], CreatedState]:
    def create() -> CreatedState:
        with db.transaction() as uow:
            return uow.instances.create(wish)

    return create


def _persistently(db: Database, wish: NewInstance) -> Callable[[], CreatedState]:
    """Wish again whenever others are in the way, as a worker does."""

    def create() -> CreatedState:
        while True:
            with suppress(Conflict):
                return _creating(db, wish)()

    return create


def test_a_new_instance_is_pending_with_a_port_and_a_url(db: Database, given: Given) -> None:
    wish = a_wish(given.a_user(), host_id=given.a_host(ports=2), duration_minutes=30, config={"team": "a\x00b"})
    created = _creating(db, wish)()
    assert (created.status, created.port, created.error_message) == ("pending", 4001, None)
    assert created.access_url == f"http://{wish.host_id}:4001"
    assert timedelta(minutes=29) < created.expires_at - datetime.now(UTC) <= timedelta(minutes=30)
    assert given.events_of(wish.id) == ["created"]


def test_an_instance_on_this_machine_is_reached_through_localhost(db: Database, given: Given) -> None:
    created = _creating(db, a_wish(given.a_user()))()
    assert created.access_url == f"http://localhost:{created.port}"
    assert created.port is not None
    assert 3001 <= created.port <= 3100


@pytest.mark.parametrize(("asked", "given_minutes"), [(None, 60), (10_000, 60), (5, 5)])
def test_a_duration_is_the_default_and_at_most_what_the_type_allows(
    db: Database, given: Given, asked: int | None, given_minutes: int
) -> None:
    wish = a_wish(given.a_user(), host_id=given.a_host(ports=1), duration_minutes=asked)
    rest = _creating(db, wish)().expires_at - datetime.now(UTC)
    assert timedelta(minutes=given_minutes - 1) < rest <= timedelta(minutes=given_minutes)


def test_an_unknown_user_leaves_nothing_behind(db: Database, given: Given) -> None:
    wish = a_wish(uuid4(), host_id=given.a_host(ports=1))
    with pytest.raises(UnknownUser, match=str(wish.user_id)):
        _creating(db, wish)()
    assert given.database.value("SELECT bool_and(is_available) FROM port_allocations WHERE host_id = %s", wish.host_id)


@pytest.mark.parametrize("change", ["is_active = false", "deleted_at = now()"])
def test_a_user_who_is_gone_is_an_unknown_user(db: Database, given: Given, change: str) -> None:
    user_id = given.a_user()
    given.database.ask(f"UPDATE users SET {change} WHERE id = %s", user_id)  # noqa: S608  the test's own words
    with pytest.raises(UnknownUser):
        _creating(db, a_wish(user_id))()


def test_an_unknown_type_leaves_nothing_behind(db: Database, given: Given) -> None:
    wish = a_wish(given.a_user(), mcp_type="fax")
    with pytest.raises(UnknownType, match="fax"):
        _creating(db, wish)()
    with db.transaction() as uow:
        assert uow.fleet.get(wish.id) is None


def test_a_type_that_is_not_active_gives_an_instance_in_error(db: Database, given: Given) -> None:
    given.database.ask(
        "INSERT INTO mcp_types (name, display_name, server_script, is_active) VALUES ('fax', 'Fax', 'fax.js', false)"
    )
    try:
        wish = a_wish(given.a_user(), mcp_type="fax", host_id=given.a_host(ports=1))
        created = _creating(db, wish)()
    finally:
        given.database.ask("UPDATE mcp_types SET name = gen_random_uuid()::text WHERE name = 'fax'")
    assert (created.status, created.port) == ("error", None)
    assert created.error_message == "The type fax is not active."
    assert given.events_of(wish.id) == ["error"]


def test_a_host_without_a_free_port_gives_an_instance_in_error(db: Database, given: Given) -> None:
    host_id = given.a_host(ports=1)
    assert _creating(db, a_wish(given.a_user(), host_id=host_id))().status == "pending"
    full = _creating(db, a_wish(given.a_user(), host_id=host_id))()
    assert (full.status, full.error_message) == ("error", f"No port is free on the host {host_id}.")


def test_a_token_cannot_belong_to_two_instances(db: Database, given: Given) -> None:
    wish = a_wish(given.a_user(), host_id=given.a_host(ports=2))
    _creating(db, wish)()
    with pytest.raises(DataRefused) as refused:
        _creating(db, a_wish(wish.user_id, host_id=wish.host_id, access_token_hash=wish.access_token_hash))()
    assert refused.value.constraint == "uq_mcp_instances_access_token_hash"


def test_sixty_four_wishes_at_once_give_a_user_exactly_the_limit(shared: TestDatabase, given: Given) -> None:
    user_id, host_id = given.a_user(), given.a_host(ports=64)
    database = Database(DatabaseSettings(url=shared.worker_url, pool_size=64, lock_timeout_ms=30_000))
    try:
        made = at_once([_creating(database, a_wish(user_id, host_id=host_id)) for _ in range(64)])
    finally:
        database.close()
    assert Counter(state.status for state in made) == {"pending": 10, "error": 54}
    assert {state.error_message for state in made if state.status == "error"} == {
        "The user has 10 live instances and may have 10."
    }
    assert len({state.port for state in made if state.status == "pending"}) == 10


def test_an_instance_that_ended_no_longer_counts(db: Database, given: Given) -> None:
    user_id, host_id = given.a_user(), given.a_host(ports=10)
    ids = [given.an_instance(db, user_id=user_id, host_id=host_id) for _ in range(10)]
    assert _creating(db, a_wish(user_id, host_id=host_id))().status == "error"
    with db.transaction() as uow:
        uow.instances.delete(ids[0], reason=None, at=datetime.now(UTC))
    assert _creating(db, a_wish(user_id, host_id=host_id))().status == "pending"


def test_a_port_is_never_leased_twice(db: Database, given: Given) -> None:
    host_id = given.a_host(ports=10)
    users = [given.a_user() for _ in range(16)]
    made = at_once([_persistently(db, a_wish(user_id, host_id=host_id)) for user_id in users])
    ports = [state.port for state in made if state.port is not None]
    assert sorted(ports) == list(range(4001, 4011))


def test_ports_that_come_and_go_are_never_shared(db: Database, given: Given) -> None:
    """Eight tenants create and delete at once; the unique index would refuse a port with two live instances."""
    host_id = given.a_host(ports=4)
    users = [given.a_user() for _ in range(8)]

    def come_and_go(user_id: UUID) -> int:
        leased = 0
        for _ in range(10):
            wish = a_wish(user_id, host_id=host_id)
            leased += _persistently(db, wish)().port is not None
            with db.transaction() as uow:
                uow.instances.delete(wish.id, reason=None, at=datetime.now(UTC))
        return leased

    assert sum(at_once([lambda user_id=user_id: come_and_go(user_id) for user_id in users])) > 0  # type: ignore[misc]  # mypy cannot infer a lambda's default
    assert (
        given.database.value("SELECT count(*) FROM port_allocations WHERE host_id = %s AND is_available", host_id) == 4
    )


def test_a_port_that_another_transaction_may_give_back_is_waited_for(db: Database, given: Given) -> None:
    """Were the wish refused, nobody would have the port once the other transaction is undone."""
    first, second = given.a_user(), given.a_user()
    wish = a_wish(second, host_id=given.a_host(ports=1))
    with suppress(_UndoneError), db.transaction() as uow:
        uow.instances.create(a_wish(first, host_id=wish.host_id))
        with pytest.raises(Conflict, match=f"about to lease what is free on the host {wish.host_id}"):
            _creating(db, wish)()
        raise _UndoneError
    assert _creating(db, wish)().status == "pending"


def test_the_port_that_rested_longest_is_leased_first(db: Database, given: Given) -> None:
    """A late client of the last tenant must not find the next one behind the same address."""
    host_id, user_id = given.a_host(ports=3), given.a_user()
    ports = []
    for _ in range(4):
        wish = a_wish(user_id, host_id=host_id)
        ports.append(_creating(db, wish)().port)
        with db.transaction() as uow:
            uow.instances.delete(wish.id, reason=None, at=datetime.now(UTC))
    assert ports == [4001, 4002, 4003, 4001]


def test_a_create_that_must_wait_too_long_is_a_conflict(shared: TestDatabase, given: Given) -> None:
    user_id = given.a_user()
    impatient = Database(DatabaseSettings(url=shared.worker_url, lock_timeout_ms=50))
    try:
        with impatient.transaction() as first:
            first.instances.create(a_wish(user_id))
            with pytest.raises(Conflict):
                _creating(impatient, a_wish(user_id))()
            first.instances.create(a_wish(user_id))
    finally:
        impatient.close()


def _created(db: Database, *wishes: NewInstance) -> list[CreatedState]:
    with db.transaction() as uow:
        return uow.instances.create_all(wishes)


def _told(states: list[CreatedState]) -> list[str]:
    return [state.error_message or state.status for state in states]


def test_wishes_of_one_statement_are_met_as_if_they_came_one_after_the_other(db: Database, given: Given) -> None:
    ada, bob = given.a_user(), given.a_user()
    near, far = given.a_host(ports=20), given.a_host(ports=20)
    wishes = [a_wish(user_id, host_id=host_id) for _ in range(6) for user_id in (ada, bob) for host_id in (near, far)]
    made = _created(db, *wishes)
    refusal = "The user has 10 live instances and may have 10."
    assert _told(made) == ["pending"] * 20 + [refusal] * 4
    ports = {(wish.host_id, state.port) for wish, state in zip(wishes, made, strict=True) if state.port}
    assert ports == {(host_id, port) for host_id in (near, far) for port in range(4001, 4011)}
    assert [given.events_of(wish.id) for wish in (wishes[0], wishes[-1])] == [["created"], ["error"]]


def test_a_type_that_is_not_active_takes_nothing_from_the_limit(db: Database, given: Given) -> None:
    user_id, host_id, name = given.a_user(), given.a_host(ports=20), f"off-{uuid4()}"
    given.database.ask(
        "INSERT INTO mcp_types (name, display_name, server_script, is_active) VALUES (%s, 'Off', 'x', false)", name
    )
    kinds = [name] * 3 + ["figma"] * 11
    made = _created(db, *(a_wish(user_id, host_id=host_id, mcp_type=kind) for kind in kinds))
    refusal = "The user has 10 live instances and may have 10."
    assert _told(made) == [f"The type {name} is not active."] * 3 + ["pending"] * 10 + [refusal]


def test_the_last_ports_go_to_those_who_asked_first(db: Database, given: Given) -> None:
    host_id = given.a_host(ports=2)
    made = _created(db, *(a_wish(given.a_user(), host_id=host_id) for _ in range(3)))
    assert _told(made) == ["pending", "pending", f"No port is free on the host {host_id}."]


def test_what_depends_on_how_another_wish_ended_is_not_guessed(db: Database, given: Given) -> None:
    """A wish without a port leaves room in the limit for a later one, on a host that has ports."""
    user_id, full, empty = given.a_user(), given.a_host(ports=9), given.a_host(ports=5)
    wishes = [a_wish(user_id, host_id=full) for _ in range(10)] + [a_wish(user_id, host_id=empty)]
    with pytest.raises(Conflict):
        _created(db, *wishes)
    one_by_one = [_told(_created(db, wish)) for wish in wishes]
    assert one_by_one == [["pending"]] * 9 + [[f"No port is free on the host {full}."], ["pending"]]


def test_the_first_of_many_wishes_that_cannot_be_entered_is_refused(db: Database, given: Given) -> None:
    good, host_id = given.a_user(), given.a_host(ports=3)
    wishes = [a_wish(good, host_id=host_id), a_wish(good, host_id=host_id, mcp_type="none"), a_wish(uuid4())]
    with pytest.raises(UnknownType, match="none"):
        _created(db, *wishes)
    assert given.database.value("SELECT count(*) FROM mcp_instances WHERE user_id = %s", good) == 0
