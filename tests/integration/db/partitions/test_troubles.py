"""What is wrong with maintenance is told in sentences, each with what to do."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db.__main__ import main
from db.engine import Database
from tests.databases import TestDatabase

TODAY = datetime.now(UTC)
PRESENT = f"mcp_logs_y{TODAY:%Y}m{TODAY:%m}"
LATE = timedelta(minutes=6)


@pytest.fixture
def db(own: TestDatabase) -> Iterator[Database]:
    """Give a database in which a tick was applied and the next is not due yet."""
    with own.worker() as opened:
        _tick(opened, ago=timedelta(), period=timedelta(minutes=1))
        yield opened


def _tick(db: Database, *, ago: timedelta, period: timedelta, **ended: str) -> None:
    now = datetime.now(UTC)
    with db.transaction() as uow:
        uow.ticks.note("a-task", fire_time=now - ago, next_fire_time=now - ago + period, **ended)  # type: ignore[arg-type]  # the outcome as text


def _troubles(db: Database) -> list[tuple[str, str]]:
    with db.transaction() as uow:
        return [(each.kind, each.subject) for each in uow.troubles.list()]


def test_nothing_is_wrong_while_ticks_come_and_partitions_are_there(db: Database) -> None:
    assert _troubles(db) == []


def test_no_tick_at_all_is_a_trouble(own: TestDatabase, db: Database) -> None:
    own.ask("DELETE FROM maintenance.ticks")
    assert _troubles(db) == [("silent", "scheduler")]


def test_a_tick_that_is_five_minutes_late_is_a_trouble_until_it_comes_or_is_set_off(db: Database) -> None:
    with db.transaction() as uow:
        uow.ticks.forget("a-task")
    _tick(db, ago=LATE, period=timedelta(seconds=10))
    assert _troubles(db) == [("late", "a-task")]
    _tick(db, ago=timedelta(), period=timedelta(seconds=10))
    assert _troubles(db) == []


def test_a_run_that_failed_is_a_trouble_until_one_does_not(db: Database) -> None:
    _tick(db, ago=timedelta(), period=timedelta(minutes=1), outcome="failed", problem="It is full.")
    assert _troubles(db) == [("failed", "a-task")]
    _tick(db, ago=timedelta(), period=timedelta(minutes=1))
    assert _troubles(db) == []


def test_a_run_that_waits_is_a_trouble_after_a_day(own: TestDatabase, db: Database) -> None:
    for _ in range(2):
        _tick(db, ago=timedelta(), period=timedelta(minutes=1), outcome="waits", problem="pg_dump")
    assert _troubles(db) == []
    own.ask("UPDATE maintenance.ticks SET since = since - interval '1 day'")
    assert _troubles(db) == [("waiting", "a-task")]
    _tick(db, ago=timedelta(), period=timedelta(minutes=1), outcome="waits", problem="pg_dump")
    assert _troubles(db) == [("waiting", "a-task")], "the first one counts"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (f"DROP TABLE partitions.{PRESENT}", [("gap", "public.mcp_logs")]),
        (f"ALTER TABLE mcp_logs DETACH PARTITION partitions.{PRESENT}", [
            ("gap", "public.mcp_logs"), ("stray", f"partitions.{PRESENT}")
        ]),
    ],
)  # fmt: skip
def test_what_was_done_to_partitions_is_seen(
    own: TestDatabase, db: Database, change: str, expected: list[tuple[str, str]]
) -> None:
    own.ask(change)
    assert _troubles(db) == expected


def test_a_horizon_below_a_week_and_a_retention_that_is_not_kept_are_troubles(own: TestDatabase, db: Database) -> None:
    """Half a year later, when nothing was done since."""
    later = TODAY + timedelta(days=183)
    own.ask(f"ALTER DATABASE {own.name} SET maintenance.clock = '{later.isoformat()}'")
    kinds = {kind for (kind,) in own.ask("SELECT kind FROM maintenance.troubles WHERE subject = 'public.mcp_logs'")}
    assert kinds == {"horizon", "retention"}
    assert own.value("SELECT count(*) FROM maintenance.troubles WHERE kind = 'late'") == 1
    assert _troubles(db) == [], "a worker's time is PostgreSQL's"


def test_the_alert_of_a_trouble_opens_once_and_ends_with_it(own: TestDatabase, db: Database) -> None:
    own.ask(f"DROP TABLE partitions.{PRESENT}")
    name = "maintenance: public.mcp_logs (gap)"
    with db.transaction() as uow:
        assert list(uow.alerts.follow_troubles()) == [name]
        assert uow.alerts.follow_troubles() == {}
        uow.partitions.ensure()
        assert uow.alerts.follow_troubles() == {name: None}
    own.ask(f"DROP TABLE partitions.{PRESENT}")
    with db.transaction() as uow:
        assert list(uow.alerts.follow_troubles()) == [name]
    own.ask("UPDATE gateway.performance_alerts SET acknowledged_at = now(), description = 'what it was before'")
    with db.transaction() as uow:
        assert uow.alerts.follow_troubles() == {}, "it is open, and only its sentence changes"
    sentence = own.value("SELECT description FROM gateway.performance_alerts WHERE acknowledged_at IS NOT NULL")
    assert "It has no partition from" in str(sentence)
    alerts = "SELECT name, is_triggered, trigger_count, resolved_at IS NULL FROM gateway.performance_alerts"
    assert own.ask(alerts) == [(name, True, 2, True)]


def test_the_command_tells_people_and_programs_and_exits_with_one(
    own: TestDatabase, db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": own.worker_url}
    assert main(["troubles"], environment) == 0
    assert capsys.readouterr().out == "Nothing is wrong with maintenance.\n"
    _tick(db, ago=timedelta(), period=timedelta(minutes=1), outcome="failed", problem="The folder is full.")
    assert main(["troubles", "--json"], environment) == 1
    assert json.loads(capsys.readouterr().out) == {
        "troubles": [{"kind": "failed", "subject": "a-task", "sentence": "The folder is full."}]
    }
    assert main(["ticks", "list"], environment) == 0
    assert "a-task" in capsys.readouterr().out
    assert [main(["ticks", "forget", "a-task"], environment) for _ in range(2)] == [0, 1]


@pytest.mark.parametrize(
    ("constraint", "row"),
    [
        ("check_run_bytes", "maintenance.runs (task, started_at, bytes) VALUES ('a', now(), -1)"),
        ("check_run_outcome", "maintenance.runs (task, started_at, outcome) VALUES ('a', now(), 'perhaps')"),
        (
            "check_tick_outcome",
            "maintenance.ticks (task, fire_time, outcome, problem, since) VALUES ('a', now(), 'perhaps', 'x', now())",
        ),
        (
            "check_tick_problem",
            "maintenance.ticks (task, fire_time, outcome, since) VALUES ('a', now(), 'failed', now())",
        ),
    ],
)
def test_a_history_of_nonsense_is_refused(own: TestDatabase, constraint: str, row: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        own.ask(f"INSERT INTO {row}")
    assert refused.value.diag.constraint_name == constraint
