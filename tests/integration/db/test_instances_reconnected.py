"""An instance that was given up comes back to its own place, or stays as it is."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.errors import UnknownInstance

from .given import NOW, Given

LATER = NOW + timedelta(seconds=5)


@pytest.fixture
def lost(db: Database, given: Given) -> UUID:
    """Have an instance that ran and was disconnected."""
    instance_id = given.a_running_instance(db, user_id=given.a_user())
    with db.transaction() as uow:
        assert uow.instances.disconnect(instance_id, reason="3 checks failed", at=LATER)
    return instance_id


def reconnect(db: Database, instance_id: UUID) -> bool:
    with db.transaction() as uow:
        return uow.instances.reconnect(instance_id, at=LATER)


def refusal(given: Given, instance_id: UUID) -> object:
    return given.database.value(
        "SELECT event_data ->> 'refusal' FROM mcp_events"
        " WHERE mcp_instance_id = %s AND event_type = 'refused_reconnect'",
        instance_id,
    )


def test_it_runs_again_on_the_port_that_it_had(db: Database, given: Given, lost: UUID) -> None:
    assert reconnect(db, lost)
    with db.transaction() as uow:
        state = uow.fleet.get(lost)
        assert state is not None
        held = uow.ports.held_by(lost)
    assert held is not None
    assert (state.status, held.port) == ("running", state.port)
    assert given.events_of(lost)[-1] == "reconnected"


def test_it_stays_disconnected_when_another_has_its_port(db: Database, given: Given, lost: UUID) -> None:
    host_id = str(given.database.value("SELECT host_id FROM mcp_instances WHERE id = %s", lost))
    given.an_instance(db, host_id=host_id)
    assert not reconnect(db, lost)
    assert refusal(given, lost) == "Its port 4001 is no longer free."
    assert given.database.value("SELECT status FROM mcp_instances WHERE id = %s", lost) == "disconnected"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("status = 'error'", "It is error."),
        ("expires_at = now() - interval '1 minute'", "Its time is over."),
        ("deleted_at = now()", "It was deleted."),
        ("restored_at = now() + interval '1 minute'", "What is told happened before its present life."),
    ],
)
def test_it_stays_as_it_is_when_its_life_is_another_one(
    db: Database, given: Given, lost: UUID, change: str, reason: str
) -> None:
    given.database.ask(f"UPDATE mcp_instances SET {change} WHERE id = %s", lost)  # noqa: S608  our own words
    assert not reconnect(db, lost)
    assert refusal(given, lost) == reason
    assert given.database.value("SELECT count(*) FROM port_allocations WHERE mcp_instance_id = %s", lost) == 0


def test_it_stays_disconnected_when_its_user_has_as_many_as_allowed(db: Database, given: Given, lost: UUID) -> None:
    user_id = UUID(str(given.database.value("SELECT user_id FROM mcp_instances WHERE id = %s", lost)))
    for _ in range(10):
        given.an_instance(db, user_id=user_id)
    assert not reconnect(db, lost)
    assert refusal(given, lost) == "The user has 10 live instances and may have no more."


def test_an_instance_that_never_was_is_named(db: Database) -> None:
    with pytest.raises(UnknownInstance):
        reconnect(db, uuid4())
