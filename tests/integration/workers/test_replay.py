"""What an operator does with dead letters never applies a message twice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.repositories.dead_letters import DeadLetter
from db.unit_of_work import UnitOfWork
from producers import CreateInstance
from producers import message_id as ids
from producers.envelope import seal
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import create, delivered, id_at, make_applier
from workers.actor import actor
from workers.applier import Applier
from workers.commands import dead_letters
from workers.commands.dead_letters import CommandError
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")

Act = Callable[[Database, UUID], str]


def open_letter(database: Database, *, message_id: str | None = None, reason: str = "exhausted") -> UUID:
    message = create(message_id=ids.new())
    with database.transaction() as uow:
        return uow.dead_letters.add(
            DeadLetter(
                id=ids.new(),
                message_id=message_id or str(message.message_id),
                queue="instances",
                wire_name=message.wire_name,
                reason=reason,
                error="it failed",
                payload=seal(message).decode(),
                host="here",
            )
        )


def put_by(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(*) FROM redeliveries")))


def test_a_letter_that_was_replayed_and_applied_is_not_applied_again(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    """The actor adds a row each time it is called."""

    @actor(CreateInstance)
    def add(message: CreateInstance, uow: UnitOfWork) -> None:
        uow.runs.record("effect", started_at=message.occurred_at, affected=1)

    letter_id = open_letter(database)
    envelope = str(test_database.value("SELECT payload FROM dead_letters"))
    dead_letters.replay(database, letter_id)
    message = CreateInstance.received(
        create().model_dump(mode="json"), message_id=str(test_database.value("SELECT message_id FROM dead_letters"))
    )
    assert str(message.message_id) in envelope
    applier = make_applier(database, resources, add)
    applier(delivered(message, attempts=1))
    with pytest.raises(CommandError, match="replayed or discarded before"):
        dead_letters.replay(database, letter_id)
    applier(delivered(message))
    assert put_by(test_database) == 0
    assert test_database.value("SELECT count(*) FROM maintenance.runs WHERE task = 'effect'") == 1


@pytest.mark.parametrize("first", [dead_letters.replay, dead_letters.discard])
@pytest.mark.parametrize("second", [dead_letters.replay, dead_letters.discard])
def test_a_closed_letter_stays_as_it_was_closed(
    first: Act, second: Act, database: Database, test_database: TestDatabase
) -> None:
    letter_id = open_letter(database)
    first(database, letter_id)
    closed = test_database.ask("SELECT replayed_at, discarded_at FROM dead_letters")
    with pytest.raises(CommandError, match="replayed or discarded before"):
        second(database, letter_id)
    assert test_database.ask("SELECT replayed_at, discarded_at FROM dead_letters") == closed
    assert put_by(test_database) == (first is dead_letters.replay)


def test_of_many_who_replay_a_letter_together_one_does(database: Database, test_database: TestDatabase) -> None:
    letter_id = open_letter(database)
    with ThreadPoolExecutor(6) as threads:
        asked = [threads.submit(dead_letters.replay, database, letter_id) for _ in range(6)]
    assert sorted(type(each.exception()) is CommandError for each in asked) == [False, *[True] * 5]
    assert put_by(test_database) == 1


@pytest.mark.parametrize("reason", ["exhausted", "expired-id"])
def test_a_letter_older_than_the_inbox_remembers_is_not_replayed(
    reason: str, database: Database, test_database: TestDatabase
) -> None:
    letter_id = open_letter(database, message_id=id_at(-timedelta(days=31)), reason=reason)
    with pytest.raises(CommandError, match="31 days old"):
        dead_letters.replay(database, letter_id)
    assert put_by(test_database) == 0


def test_a_letter_from_the_future_is_replayed_when_its_time_has_come(
    applier: Applier, database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    applier(delivered(create(message_id=UUID(id_at(timedelta(hours=1))))))
    letter_id = UUID(str(test_database.value("SELECT id FROM dead_letters WHERE reason = 'future-id'")))
    with pytest.raises(CommandError, match="of the future"):
        dead_letters.replay(database, letter_id)

    class Later(datetime):
        """The clock of two hours from now."""

        @classmethod
        def now(cls, tz: object = None) -> "Later":
            del tz
            return cls.fromtimestamp(datetime.now(UTC).timestamp() + 7_200, UTC)

    monkeypatch.setattr(dead_letters, "datetime", Later)
    assert "is delivered again" in dead_letters.replay(database, letter_id)
    assert put_by(test_database) == 1


def test_a_letter_without_a_usable_id_is_not_replayed(database: Database) -> None:
    for message_id in ("seven", str(uuid4())):
        with pytest.raises(CommandError, match="would be again"):
            dead_letters.replay(database, open_letter(database, message_id=message_id, reason="invalid"))
