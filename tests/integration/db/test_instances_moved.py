from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.errors import UnknownInstance
from db.repositories.fleet import InstanceState
from db.repositories.instances import Instances
from db.unit_of_work import UnitOfWork

from .given import NOW, Given, a_process, at_once

Move = Callable[[Instances, UUID, str], bool]


def _start(instances: Instances, instance_id: UUID, host_id: str) -> bool:
    return instances.start(instance_id, process=a_process(host_id), at=NOW)


def _fail(instances: Instances, instance_id: UUID, _: str) -> bool:
    return instances.fail(instance_id, error="it exited with 1", at=datetime.now(UTC))


def _delete(instances: Instances, instance_id: UUID, _: str) -> bool:
    return instances.delete(instance_id, reason="no longer needed", at=NOW)


def _state(db: Database, instance_id: UUID) -> InstanceState:
    with db.transaction() as uow:
        state = uow.fleet.get(instance_id)
    assert state is not None
    return state


def _due(given: Given, instance_id: UUID) -> None:
    given.database.ask("UPDATE mcp_instances SET expires_at = now() - interval '1 minute' WHERE id = %s", instance_id)


def test_a_pending_instance_starts(db: Database, given: Given) -> None:
    state = _state(db, given.a_running_instance(db))
    assert (state.status, state.process_id, state.holds_port) == ("running", 4711, True)
    assert given.events_of(state.id) == ["created", "started"]


def test_an_instance_starts_once(db: Database, given: Given) -> None:
    state = _state(db, given.a_running_instance(db))
    with db.transaction() as uow:
        assert not _start(uow.instances, state.id, state.host_id)
    assert given.events_of(state.id) == ["created", "started", "refused_start"]


def test_an_instance_does_not_start_on_another_host_than_its_port_is_on(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    with db.transaction() as uow:
        assert not _start(uow.instances, instance_id, "elsewhere")
    assert _state(db, instance_id).status == "pending"


def test_a_failure_ends_an_instance_and_frees_its_port(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        assert _fail(uow.instances, instance_id, "")
        assert not _fail(uow.instances, instance_id, "")
    state = _state(db, instance_id)
    assert (state.status, state.error_message, state.holds_port) == ("error", "it exited with 1", False)


def test_a_failure_of_an_earlier_process_does_not_end_the_present_one(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        assert not uow.instances.fail(instance_id, error="late news", at=NOW - timedelta(minutes=1))
    assert _state(db, instance_id).status == "running"
    assert given.events_of(instance_id)[-1] == "refused_fail"


def test_a_start_that_comes_after_the_failure_changes_nothing(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    host_id = _state(db, instance_id).host_id
    with db.transaction() as uow:
        assert _fail(uow.instances, instance_id, "")
        assert not _start(uow.instances, instance_id, host_id)
    assert _state(db, instance_id).status == "error"


def test_a_deleted_instance_is_gone_for_good(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        assert _delete(uow.instances, instance_id, "")
        assert not _delete(uow.instances, instance_id, "")
        assert not _fail(uow.instances, instance_id, "")
    state = _state(db, instance_id)
    assert state.deleted_at is not None
    assert (state.status, state.holds_port) == ("disconnected", False)
    assert sorted(given.events_of(instance_id)) == ["created", "deleted", "refused_delete", "refused_fail", "started"]


@pytest.mark.parametrize("move", [_start, _fail, _delete])
def test_an_instance_that_never_was_is_refused(uow: UnitOfWork, move: Move) -> None:
    with pytest.raises(UnknownInstance):
        move(uow.instances, uuid4(), "local")


@pytest.mark.parametrize("rivals", [[_start] * 4, [_fail] * 4, [_delete] * 4, [_fail, _delete, _fail, _delete]])
def test_of_rivals_that_end_or_start_an_instance_together_each_kind_wins_once(
    db: Database, given: Given, rivals: list[Move]
) -> None:
    instance_id = given.an_instance(db)
    host_id = _state(db, instance_id).host_id

    def moving(move: Move) -> Callable[[], tuple[Move, bool]]:
        def run() -> tuple[Move, bool]:
            with db.transaction() as uow:
                return move, move(uow.instances, instance_id, host_id)

        return run

    won = [move for move, moved in at_once([moving(move) for move in rivals]) if moved]
    assert len(won) == len(set(won)) >= 1
    assert len(given.events_of(instance_id)) == 1 + len(rivals)
    assert _state(db, instance_id).holds_port == (won == [_start])


def test_instances_whose_time_is_over_expire_and_free_their_ports(db: Database, given: Given) -> None:
    over, never_started, alive = given.a_running_instance(db), given.an_instance(db), given.an_instance(db)
    _due(given, over)
    _due(given, never_started)
    with db.transaction() as uow:
        assert {over, never_started} == set(uow.instances.expire_due())
    assert [_state(db, i).status for i in (over, never_started, alive)] == ["expired", "expired", "pending"]
    assert [_state(db, i).holds_port for i in (over, never_started, alive)] == [False, False, True]
    assert given.events_of(over)[-1] == "expired"


def test_two_expiries_at_once_share_the_work(db: Database, given: Given) -> None:
    due = {given.an_instance(db) for _ in range(6)}
    for instance_id in due:
        _due(given, instance_id)
    with db.transaction() as first:
        taken = first.instances.expire_due(limit=2)
        with db.transaction() as second:
            rest = second.instances.expire_due()
    assert len(taken) == 2
    assert set(taken) | set(rest) == due
    assert not set(taken) & set(rest)


def test_deleting_a_user_leaves_no_instance_and_no_leased_port_to_another(db: Database, given: Given) -> None:
    user_id, host_id = given.a_user(), given.a_host(ports=1)
    given.an_instance(db, user_id=user_id, host_id=host_id)
    given.database.ask("DELETE FROM users WHERE id = %s", user_id)
    rows = given.database.ask("SELECT mcp_instance_id, is_available FROM port_allocations WHERE host_id = %s", host_id)
    assert rows == [(None, False)], "the port waits to be reconciled; it is not handed out while a process may listen"
