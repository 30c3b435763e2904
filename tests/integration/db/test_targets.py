"""What is checked, by whom, and how often."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from psycopg.errors import UniqueViolation

from db.engine import Database
from db.repositories.health import HealthReportRow, Standing
from db.repositories.targets import Claim
from tests.databases import TestDatabase
from tests.integration.db.given import Given, at_once

HOST = "host-of-targets"


@pytest.fixture
def given(test_database: TestDatabase) -> Given:
    """Use a database of one's own: a claim takes whatever is due."""
    test_database.ask("UPDATE service_registry SET is_available = false")
    return Given(test_database)


def beat(database: Database, prober: UUID, host_id: str | None = None) -> UUID:
    with database.transaction() as uow:
        uow.probers.beat(prober, host_id=host_id, hostname="here", process_id=1)
    return prober


def claim(database: Database, prober: UUID, *, ahead: float = 60.0, limit: int = 500) -> list[Claim]:
    with database.transaction() as uow:
        return uow.targets.claim(prober, ahead=ahead, limit=limit)


def follow(database: Database) -> tuple[int, int]:
    with database.transaction() as uow:
        return uow.targets.enter(), uow.targets.follow()


def report(database: Database, claimed: Claim, verdict: str) -> list[Standing]:
    row = HealthReportRow(claimed.target_id, claimed.slot, verdict, claimed.slot + timedelta(seconds=1), 12.5)
    with database.transaction() as uow:
        return list(uow.health.record([row]).standings)


def target(given: Given, *columns: str) -> tuple[object, ...]:
    (row,) = given.database.ask(f"SELECT {', '.join(columns)} FROM health_targets WHERE kind <> 'process'")  # noqa: S608  our columns
    return row


def make_due(given: Given) -> None:
    given.database.ask("UPDATE health_targets SET next_check_at = now() WHERE next_check_at IS NOT NULL")


def checked(given: Given, database: Database, prober: UUID, *verdicts: str) -> list[str | None]:
    """Have a target checked in so many slots, and give what turned with each."""
    turns = []
    for verdict in verdicts:
        make_due(given)
        (claimed,) = claim(database, prober)
        turns += [standing.turn for standing in report(database, claimed, verdict)]
    return turns


@pytest.fixture
def instance(database: Database, given: Given) -> UUID:
    instance_id = given.a_running_instance(database)
    assert follow(database) == (1, 0)
    return instance_id


def test_a_process_is_looked_at_on_its_own_host_only(database: Database, given: Given) -> None:
    host_id = given.a_host(ports=1)
    given.a_running_instance(database, host_id=host_id)
    stranger, local = beat(database, uuid4()), beat(database, uuid4(), host_id)
    assert follow(database) == (2, 0)
    taken = claim(database, stranger, limit=1) + claim(database, local, limit=5) + claim(database, stranger)
    assert sorted(each.kind for each in taken) == ["instance", "process"]
    (process,) = [each for each in taken if each.kind == "process"]
    assert process.process_id == 4711
    assert given.database.value("SELECT claimed_by FROM health_targets WHERE kind = 'process'") == local


def test_of_several_probers_one_gets_a_slot(database: Database, given: Given) -> None:
    for _ in range(20):
        given.a_running_instance(database)
    follow(database)
    make_due(given)
    given.database.ask("UPDATE health_targets SET next_check_at = now() - interval '2 seconds'")
    probers = [beat(database, uuid4()) for _ in range(4)]
    taken = at_once([lambda p=prober: claim(database, p, limit=7) for prober in probers])  # type: ignore[misc]  # mypy cannot infer a lambda's defaults
    rest = claim(database, probers[0])
    ids = [each.target_id for claims in (*taken, rest) for each in claims]
    assert len(ids) == len(set(ids)) == 20


def test_probers_share_targets_and_keep_meeting_the_same(database: Database, given: Given) -> None:
    for _ in range(20):
        given.a_running_instance(database)
    follow(database)
    probers = [beat(database, uuid4()) for _ in range(2)]
    first = [{each.target_id for each in claim(database, prober)} for prober in probers]
    given.database.ask("UPDATE health_targets SET claimed_by = NULL")
    again = [{each.target_id for each in claim(database, prober)} for prober in reversed(probers)]
    assert first == again[::-1]
    assert all(first)
    assert len(first[0] | first[1]) == 20


def test_the_claim_of_a_prober_that_fell_silent_or_left_is_void(
    database: Database, given: Given, instance: UUID
) -> None:
    dead, gone, living = (beat(database, uuid4()) for _ in range(3))
    given.database.ask("UPDATE health_targets SET next_check_at = now() - interval '2 seconds'")
    (first,) = claim(database, dead)
    assert first.target_id == instance
    assert claim(database, living) == []
    given.database.ask("UPDATE probers SET seen_at = now() - interval '7 seconds' WHERE id = %s", dead)
    (second,) = claim(database, gone)
    with database.transaction() as uow:
        uow.probers.leave(gone)
    (third,) = claim(database, living)
    assert first.slot == second.slot == third.slot


def test_a_slot_that_several_probers_checked_counts_once(database: Database, given: Given, instance: UUID) -> None:
    prober = beat(database, uuid4())
    make_due(given)
    (claimed,) = claim(database, prober)
    assert [each.failures for each in report(database, claimed, "timeout")] == [1]
    assert report(database, claimed, "timeout") == []
    assert target(given, "consecutive_failures", "claimed_by") == (1, None)
    assert given.database.value("SELECT sum(checks) FROM health_hours WHERE target_id = %s", instance) == 1


@pytest.mark.usefixtures("instance")
def test_no_more_than_an_interval_passes_until_the_next_slot(database: Database, given: Given) -> None:
    prober = beat(database, uuid4())
    for _ in range(20):
        make_due(given)
        (claimed,) = claim(database, prober)
        report(database, claimed, "up")
        (after, why) = target(given, "next_check_at", "next_check_reason")
        assert isinstance(after, datetime)
        assert timedelta(seconds=27) <= after - claimed.slot <= timedelta(seconds=30)
        assert why == "regular"


def test_a_slot_that_is_long_past_is_followed_by_one_to_come(database: Database, given: Given, instance: UUID) -> None:
    prober = beat(database, uuid4())
    given.database.ask("UPDATE health_targets SET next_check_at = now() - interval '1 hour'")
    (claimed,) = claim(database, prober)
    report(database, claimed, "up")
    waits = given.database.value("SELECT next_check_at - now() FROM health_targets WHERE id = %s", instance)
    assert isinstance(waits, timedelta)
    assert timedelta(seconds=10) < waits < timedelta(seconds=30)


def test_a_report_from_a_clock_that_is_ahead_puts_off_no_check(
    database: Database, given: Given, instance: UUID
) -> None:
    ahead = datetime.now().astimezone() + timedelta(minutes=9)
    with database.transaction() as uow:
        uow.health.record([HealthReportRow(instance, ahead, "up", ahead)])
    waits = given.database.value("SELECT next_check_at - now() FROM health_targets WHERE id = %s", instance)
    assert isinstance(waits, timedelta)
    assert waits < timedelta(seconds=30)


@pytest.mark.usefixtures("instance")
def test_the_breaker_opens_backs_off_and_closes_after_two_signs_of_life(database: Database, given: Given) -> None:
    prober = beat(database, uuid4())
    assert checked(given, database, prober, "timeout", "timeout", "timeout") == [None, None, "lost"]
    for tries in (1, 2, 3):
        waits = given.database.value("SELECT extract(epoch FROM next_check_at - now()) FROM health_targets")
        assert 60 * 2 ** (tries - 1) - 2 < float(str(waits)) < 60 * 2 ** (tries - 1) * 1.25
        assert target(given, "breaker", "tries", "next_check_reason") == ("open", tries, "back_off")
        assert checked(given, database, prober, "timeout") == [None]
    make_due(given)
    (claimed,) = claim(database, prober)
    assert target(given, "breaker") == ("half_open",)
    assert [each.turn for each in report(database, claimed, "up")] == [None]
    assert target(given, "breaker", "next_check_reason") == ("half_open", "half_open")
    assert checked(given, database, prober, "degraded") == ["back"]
    assert target(given, "breaker", "tries", "opened_at", "next_check_reason") == ("closed", 0, None, "regular")


@pytest.mark.usefixtures("instance")
def test_a_flapping_target_turns_once_at_most(database: Database, given: Given) -> None:
    prober = beat(database, uuid4())
    assert set(checked(given, database, prober, *["up", "timeout"] * 10)) == {None}
    given.database.ask("UPDATE health_targets SET failure_threshold = 1")
    turns = checked(given, database, prober, *["up", "timeout"] * 10)
    assert [turn for turn in turns if turn] == ["lost"]


@pytest.mark.usefixtures("instance")
def test_a_target_that_lives_anew_begins_anew(database: Database, given: Given) -> None:
    prober = beat(database, uuid4())
    checked(given, database, prober, "timeout", "timeout", "timeout")
    given.database.ask("UPDATE mcp_instances SET process_started_at = now() + interval '1 second'")
    assert follow(database) == (0, 1)
    assert target(given, "breaker", "consecutive_failures", "next_check_reason") == ("closed", 0, "new")
    assert follow(database) == (0, 0)


def test_a_target_that_somebody_asks_for_is_due_now(database: Database, given: Given, instance: UUID) -> None:
    prober = beat(database, uuid4())
    given.database.ask("UPDATE health_targets SET next_check_at = now() + interval '1 hour'")
    assert claim(database, prober) == []
    with database.transaction() as uow:
        assert uow.targets.ask(instance) is not None
        assert uow.targets.ask(uuid4()) is None
    (claimed,) = claim(database, prober, ahead=0)
    assert claimed.due_in <= 0


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        (
            "uq_health_targets_mcp_instance_id",
            (
                "INSERT INTO health_targets (kind, mcp_instance_id, host_id)"
                " SELECT 'process', mcp_instance_id, 'here' FROM health_targets, generate_series(1, 2)"
            ),
        ),
        (
            "uq_health_targets_service_type",
            "INSERT INTO health_targets (kind, service_type) SELECT 'service', 'figma' FROM generate_series(1, 2)",
        ),
        (
            "uq_health_targets_server_id",
            (
                "WITH s AS (INSERT INTO gateway.mcp_servers (name, endpoint_url) VALUES ('s', 'http://s/')"
                " RETURNING id)"
                " INSERT INTO health_targets (kind, server_id) SELECT 'server', id FROM s, generate_series(1, 2)"
            ),
        ),
        (
            "uq_performance_alerts_target_id",
            (
                "INSERT INTO gateway.performance_alerts"
                " (name, metric_name, threshold_value, comparison_operator, target_id)"
                " SELECT 'alert ' || n, 'm', 1, '>', id FROM health_targets, generate_series(1, 2) n"
            ),
        ),
    ],
)
@pytest.mark.usefixtures("instance")
def test_what_is_checked_is_one_target_with_one_alert(given: Given, constraint: str, statement: str) -> None:
    with pytest.raises(UniqueViolation) as refused:
        given.database.ask(statement)
    assert refused.value.diag.constraint_name == constraint
