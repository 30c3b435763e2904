"""Keys move to shared services by message: some users at a time, each batch once, whoever dies in between."""

from collections.abc import Iterator

import pytest

from db.engine import Database
from db.keeping import Vault
from db.unit_of_work import UnitOfWork
from producers import Continuation, MigrateToSharedService
from tests.databases import TestDatabase
from tests.integration.db.dedicated import RING, Dedicated
from tests.integration.workers.deliveries import delivered, due, make_applier, reasons
from workers.actors import ACTORS, services
from workers.applier import Applier
from workers.delivery import Delivery
from workers.probes.prober import Prober
from workers.resources import Resources

USERS = 7
WIRE_NAME = MigrateToSharedService.wire_name


@pytest.fixture
def applier(database: Database) -> Iterator[Applier]:
    prober = Prober()
    yield make_applier(database, Resources(prober, vault=Vault(RING)), *ACTORS)
    prober.close()


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch, test_database: TestDatabase) -> None:
    """Have users whose keys take four messages to move."""
    monkeypatch.setattr(services, "USERS_AT_ONCE", 2)
    given = Dedicated(test_database)
    for _ in range(USERS):
        given.a_key(given.a_user())


def finish(applier: Applier, database: Database, *deliveries: Delivery) -> list[Delivery]:
    """Apply a message and what follows it; give all that was delivered."""
    done: list[Delivery] = []
    waiting = list(deliveries)
    while waiting:
        for delivery in waiting:
            applier(delivery)
        done += waiting
        waiting = due(database, [WIRE_NAME])
    return done


def diary(database: TestDatabase) -> list[tuple[object, ...]]:
    return database.ask(
        "SELECT detail ->> 'batch', detail ->> 'users', affected, detail ->> 'is_last' FROM maintenance.runs"
        " WHERE task = 'migrate-to-shared' ORDER BY id"
    )


def shares(database: TestDatabase) -> object:
    return database.value("SELECT count(*) FROM user_service_instances")


def test_all_users_move_in_batches_that_follow_each_other_and_tell_what_they_did(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    done = finish(applier, database, delivered(MigrateToSharedService(dry_run=False)))
    assert len(done) == 4
    assert shares(test_database) == USERS
    assert diary(test_database) == [
        ("0", "2", 2, "false"),
        ("1", "2", 2, "false"),
        ("2", "2", 2, "false"),
        ("3", "1", 1, "true"),
    ]
    assert test_database.value("SELECT count(DISTINCT detail ->> 'migration') FROM maintenance.runs") == 1
    assert test_database.value("SELECT count(*) FROM redeliveries") == 0
    finish(applier, database, *done)
    assert len(diary(test_database)) == 4


def test_a_dry_run_tells_what_would_be_done_and_does_nothing(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    given = Dedicated(test_database)
    given.a_key(given.a_user(is_active=False))
    finish(applier, database, delivered(MigrateToSharedService(dry_run=True)))
    assert shares(test_database) == 0
    assert test_database.value("SELECT count(*) FROM shared_moves") == 0
    told = "SELECT sum(affected), sum((detail #>> '{reasons,user_inactive}')::integer) FROM maintenance.runs"
    assert test_database.ask(f"{told} WHERE detail @> '{{\"dry_run\": true}}'") == [(USERS, 1)]


def test_a_batch_whose_worker_dies_is_done_again_and_the_others_are_not(
    applier: Applier, database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    applier(delivered(MigrateToSharedService(dry_run=False)))
    (second,) = due(database, [WIRE_NAME])

    def die(following: MigrateToSharedService, uow: UnitOfWork) -> None:
        del following, uow
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("workers.actors.services.go_on", die)
        with pytest.raises(SystemExit):
            applier(second)
    assert (shares(test_database), len(diary(test_database))) == (2, 1)
    finish(applier, database, second)
    assert (shares(test_database), len(diary(test_database))) == (USERS, 4)


def test_one_user_moves_alone(applier: Applier, database: Database, test_database: TestDatabase) -> None:
    given = Dedicated(test_database)
    user_id = given.a_user()
    given.a_key(user_id)
    finish(applier, database, delivered(MigrateToSharedService(user_id=user_id, service_type="figma", dry_run=False)))
    assert test_database.ask("SELECT user_id FROM user_service_instances") == [(user_id,)]


def test_what_nobody_knows_is_refused(applier: Applier, test_database: TestDatabase) -> None:
    message = MigrateToSharedService(user_id=MigrateToSharedService(dry_run=True).message_id, dry_run=True)
    applier(delivered(message))
    applier(delivered(MigrateToSharedService(service_type="nothing", dry_run=True), attempts=2))
    assert reasons(test_database) == ["unknown-user", "unknown-service"]


def test_a_worker_without_master_keys_says_so_in_the_end(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    poor = make_applier(database, resources, *ACTORS)
    applied = delivered(MigrateToSharedService(dry_run=False), attempts=4)
    poor(applied)
    assert reasons(test_database) == ["exhausted"]
    assert "MASTER_KEYS" in str(test_database.value("SELECT error FROM dead_letters"))


def test_a_continuation_of_nothing_finds_nobody(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    first = MigrateToSharedService(dry_run=False).message_id
    last = test_database.value("SELECT max(id::text)::uuid FROM users")
    going_on = Continuation(first_id=first, batch=9, after=last)  # type: ignore[arg-type]  # a column's value
    finish(applier, database, delivered(MigrateToSharedService(dry_run=False, continuation=going_on)))
    assert diary(test_database) == [("9", "0", 0, "true")]
