"""Instances that live longer, that end by being lost, and that live again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.errors import UnknownInstance
from db.repositories.fleet import InstanceState
from db.repositories.instances import Instances, Requester, Stats
from db.unit_of_work import UnitOfWork

from .given import NOW, Given, a_process, a_wish, at_once

LATER = NOW + timedelta(minutes=5)


def _state(db: Database, instance_id: UUID) -> InstanceState:
    with db.transaction() as uow:
        state = uow.fleet.get(instance_id)
    assert state is not None
    return state


def _ended(db: Database, given: Given, **wishes: object) -> UUID:
    instance_id = given.a_running_instance(db, **wishes)
    with db.transaction() as uow:
        assert uow.instances.fail(instance_id, error="it exited with 1", at=datetime.now(UTC))
    return instance_id


def _restored(db: Database, instance_id: UUID, *, at: datetime = LATER, minutes: int | None = None) -> bool:
    with db.transaction() as uow:
        return uow.instances.restore(instance_id, minutes=minutes, at=at)


def _last_event(given: Given, instance_id: UUID) -> dict[str, object]:
    event = given.database.value(
        "SELECT event_data || jsonb_build_object('type', event_type, 'ip', host(ip_address), 'agent', user_agent)"
        "  FROM mcp_events WHERE mcp_instance_id = %s ORDER BY created_at DESC LIMIT 1",
        instance_id,
    )
    assert isinstance(event, dict)
    return event


def test_a_restored_instance_waits_with_a_port_for_a_new_process(db: Database, given: Given) -> None:
    instance_id = _ended(db, given)
    assert _restored(db, instance_id, minutes=5)
    state = _state(db, instance_id)
    assert (state.status, state.process_id, state.error_message, state.holds_port) == ("pending", None, None, True)
    assert timedelta(minutes=4) < state.expires_at - datetime.now(UTC) <= timedelta(minutes=5)
    assert _last_event(given, instance_id)["type"] == "restored"


def test_facts_of_the_former_life_do_not_touch_the_present_one(db: Database, given: Given) -> None:
    instance_id = _ended(db, given)
    assert _restored(db, instance_id)
    host_id = _state(db, instance_id).host_id
    with db.transaction() as uow:
        assert not uow.instances.fail(instance_id, error="late news", at=LATER - timedelta(seconds=1))
        assert not uow.instances.disconnect(instance_id, reason=None, at=LATER - timedelta(seconds=1))
        assert not uow.instances.start(instance_id, process=a_process(host_id), at=NOW)
    assert _state(db, instance_id).status == "pending"
    with db.transaction() as uow:
        assert uow.instances.start(instance_id, process=a_process(host_id, started_at=LATER), at=LATER)
    assert _state(db, instance_id).status == "running"


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("UPDATE mcp_instances SET deleted_at = now() WHERE id = %(id)s", "It was deleted."),
        ("UPDATE mcp_instances SET status = 'running' WHERE id = %(id)s", "It is running."),
        (
            "UPDATE users SET is_active = false FROM mcp_instances i WHERE i.id = %(id)s AND users.id = i.user_id",
            "Its user is not active.",
        ),
        (
            "UPDATE port_allocations SET is_available = false WHERE host_id = %(host)s",
            "No port is free on the host {host}.",
        ),
    ],
)
def test_what_stands_in_the_way_of_restoring_is_recorded(db: Database, given: Given, change: str, refusal: str) -> None:
    instance_id = _ended(db, given)
    before = _state(db, instance_id)
    given.database.ask(change.replace("%(id)s", f"'{instance_id}'").replace("%(host)s", f"'{before.host_id}'"))
    assert not _restored(db, instance_id)
    event = _last_event(given, instance_id)
    assert (event["type"], event["refusal"]) == ("refused_restore", refusal.format(host=before.host_id))
    assert not _state(db, instance_id).holds_port


def test_restoring_keeps_to_the_limit_of_the_user(db: Database, given: Given) -> None:
    """Twelve ended instances of one user, restored at once: as many live as the user may have."""
    user_id, host_id = given.a_user(), given.a_host(ports=20)
    ended = [_ended(db, given, user_id=user_id, host_id=host_id) for _ in range(12)]

    def restoring(instance_id: UUID) -> Callable[[], bool]:
        return lambda: _restored(db, instance_id)

    assert sum(at_once([restoring(each) for each in ended])) == 10
    held = "SELECT count(*) FROM port_allocations WHERE host_id = %s AND NOT is_available"
    assert given.database.value(held, host_id) == 10


def test_a_renewal_gives_more_time_and_never_less(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db, duration_minutes=20)
    at = datetime.now(UTC)
    with db.transaction() as uow:
        assert uow.instances.renew(instance_id, minutes=40, at=at)
    renewed = _state(db, instance_id).expires_at
    assert renewed == at + timedelta(minutes=40)
    with db.transaction() as uow:
        assert uow.instances.renew(instance_id, minutes=1, at=at)
        assert uow.instances.renew(instance_id, minutes=30, at=at - timedelta(minutes=9))
    assert _state(db, instance_id).expires_at == renewed


def test_a_renewal_beyond_the_maximum_of_the_type_is_cut(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        assert uow.instances.renew(instance_id, minutes=100_000, at=datetime.now(UTC))
    assert _state(db, instance_id).expires_at <= datetime.now(UTC) + timedelta(minutes=60)


def test_a_renewal_from_a_clock_that_is_ahead_gives_no_extra_time(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        assert uow.instances.renew(instance_id, minutes=60, at=datetime.now(UTC) + timedelta(hours=5))
    assert _state(db, instance_id).expires_at <= datetime.now(UTC) + timedelta(minutes=60)


def test_only_running_instances_are_renewed(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    with db.transaction() as uow:
        assert not uow.instances.renew(instance_id, minutes=5, at=NOW)
    assert _last_event(given, instance_id)["refusal"] == "It is pending."


def test_a_lost_instance_gives_its_port_back(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        assert uow.instances.disconnect(instance_id, reason="The host is gone.", at=datetime.now(UTC))
        assert not uow.instances.disconnect(instance_id, reason=None, at=datetime.now(UTC))
    state = _state(db, instance_id)
    assert (state.status, state.holds_port) == ("disconnected", False)


def test_an_event_says_where_its_request_came_from(db: Database, given: Given) -> None:
    by = Requester("2001:db8::7", "console/2")
    user_id, host_id = given.a_user(), given.a_host(ports=1)
    wish = a_wish(user_id, host_id=host_id, by=by)
    moves: list[Callable[[Instances], object]] = [
        lambda instances: instances.create(wish),
        lambda instances: instances.renew(wish.id, minutes=5, at=NOW, by=by),
        lambda instances: instances.delete(wish.id, reason=None, at=NOW, by=by),
        lambda instances: instances.restore(wish.id, minutes=5, at=NOW, by=by),
    ]
    for move in moves:
        with db.transaction() as uow:
            move(uow.instances)
        event = _last_event(given, wish.id)
        assert (event["ip"], event["agent"]) == ("2001:db8::7", "console/2")


def test_an_instance_that_never_starts_is_given_up(db: Database, given: Given) -> None:
    waits, started, fresh = given.an_instance(db), given.a_running_instance(db), given.an_instance(db)
    given.database.ask(
        "UPDATE mcp_instances SET pending_since = now() - interval '11 minutes' WHERE id IN (%s, %s)", waits, started
    )
    with db.transaction() as uow:
        assert uow.instances.give_up_due() == [waits]
    assert [_state(db, each).status for each in (waits, started, fresh)] == ["error", "running", "pending"]
    assert _state(db, waits).error_message == "It did not start within 10 minutes."
    assert not _state(db, waits).holds_port


def test_the_newest_access_and_the_newest_stats_stay(db: Database, given: Given) -> None:
    one, other = given.a_running_instance(db), given.a_running_instance(db)
    for seconds in (5, 9, 7):
        at = NOW + timedelta(seconds=seconds)
        with db.transaction() as uow:
            uow.instances.access({one: at, other: NOW})
            uow.instances.report_stats({one: Stats(at, {"memory_mb": seconds, "note": "a\x00b"})})
    ((accessed, stats),) = given.database.ask("SELECT last_accessed, stats FROM mcp_instances WHERE id = %s", one)
    assert accessed == NOW + timedelta(seconds=9)
    assert stats == {"memory_mb": 9, "note": "a\ufffdb"}
    assert given.events_of(one) == ["created", "started"]


def test_a_set_of_facts_with_an_unknown_instance_is_refused_as_a_whole(db: Database, given: Given) -> None:
    known, unknown = given.a_running_instance(db), uuid4()
    with pytest.raises(UnknownInstance, match=str(unknown)), db.transaction() as uow:
        uow.instances.access({known: NOW, unknown: NOW})
    assert given.database.value("SELECT last_accessed FROM mcp_instances WHERE id = %s", known) is None


@pytest.mark.parametrize("move", ["renew", "restore"])
def test_an_instance_that_never_was_is_refused(uow: UnitOfWork, move: str) -> None:
    with pytest.raises(UnknownInstance):
        getattr(uow.instances, move)(uuid4(), minutes=None, at=NOW)
