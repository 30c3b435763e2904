"""What is counted by hours and days is what the rows say, late ones included, and stays when they go."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Final
from uuid import UUID, uuid4

import psycopg
import pytest

from db import erasing
from db.engine import Database
from db.page import Window
from db.recording import Facts
from db.repositories.rollups import TABLES, Count, Unit
from producers import RollupsDue
from producers.message_id import new
from tests.databases import TestDatabase
from workers.applier import Applier

from .deliveries import delivered, due

HOUR: Final = timedelta(hours=1)
NOW: Final = datetime.now(UTC)
TODAY: Final = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
USERS: Final = [UUID(int=number) for number in range(1, 6)]
_TENANT: Final = "SELECT * FROM get_tenant_usage_summary(%s, %s)"
SUMMARIES: Final[list[tuple[str, tuple[object, ...]]]] = [
    ("SELECT * FROM get_server_health_summary()", ()),
    *(("SELECT * FROM get_request_performance_summary(%s)", (hours,)) for hours in (3, 24, 48, 9_999, 1)),
    *((_TENANT, ("acme", hours)) for hours in (3, 24, 48, 9_999, 1)),
    (_TENANT, ("", 48)),
    (_TENANT, ("nobody", 48)),
]


def _requests(count: int, *, since: datetime, until: datetime, seed: int = 1) -> list[Facts]:
    chance = random.Random(seed)
    return [
        {
            "id": str(new()),
            "request_id": str(number),
            "tenant_id": chance.choice(["acme", "umbrella", None]),
            "user_id": str(chance.choice(USERS)),
            "method": "GET",
            "path": "/mcp",
            "target_server_id": chance.choice(["tickets", "mails", None]),
            "request_time": _apart(since + (until - since) * chance.random()).isoformat(),
            "duration_ms": chance.choice([None, *(chance.expovariate(0.01) for _ in range(9))]),
            "status_code": chance.choice([None, 200, 200, 200, 200, 301, 404, 500]),
            "query_params": {},
            "headers": {},
            "request_metadata": {},
        }
        for number in range(count)
    ]


def _apart(at: datetime) -> datetime:
    """Keep a time from the edge of a span that ends now, for it moves on while a test runs."""
    return at + timedelta(minutes=5) if (at - NOW) % HOUR < timedelta(minutes=5) else at


def _store(database: Database, rows: Sequence[Facts]) -> None:
    with database.transaction() as uow:
        uow.requests.record(rows)


def _roll_up(database: Database) -> int:
    counted = 0
    for table in TABLES:
        with database.transaction() as uow:
            counted += uow.rollups.roll_up(table, most=1_000)
    return counted


def _answers(test_database: TestDatabase) -> list[object]:
    """Ask all summaries in one moment, so that their spans end at the same one."""
    with psycopg.connect(test_database.worker_url) as connection:
        return [connection.execute(statement.encode(), values).fetchall() for statement, values in SUMMARIES]


def _counts(database: Database, unit: Unit, *, tenant_id: str = "acme") -> list[Count]:
    window = Window(TODAY - timedelta(days=60), TODAY + timedelta(days=2))
    with database.transaction() as uow:
        return uow.rollups.of_tenant(tenant_id, window, unit=unit)


def _by_hand(rows: Sequence[Facts], unit: timedelta) -> dict[tuple[datetime, str], tuple[int, int, list[float]]]:
    counted: dict[tuple[datetime, str], tuple[int, int, list[float]]] = {}
    for row in rows:
        if row["tenant_id"] != "acme":
            continue
        at = datetime.fromisoformat(str(row["request_time"]))
        key = TODAY + (at - TODAY) // unit * unit, str(row["target_server_id"] or "")
        entries, errors, durations = counted.setdefault(key, (0, 0, []))
        if isinstance(row["duration_ms"], float):
            durations.append(row["duration_ms"])
        status = row["status_code"]
        counted[key] = entries + 1, errors + (isinstance(status, int) and status >= 400), durations
    return counted


@pytest.mark.parametrize(("unit", "length"), [("hour", HOUR), ("day", 24 * HOUR)])
def test_hours_and_days_are_what_the_rows_say(database: Database, unit: Unit, length: timedelta) -> None:
    rows = _requests(2_000, since=NOW - 50 * HOUR, until=NOW)
    _store(database, rows)
    _roll_up(database)
    expected = _by_hand(rows, length)
    found = _counts(database, unit)
    assert {(each.starts_at, each.subject): (each.entries, each.errors) for each in found} == {
        key: (entries, errors) for key, (entries, errors, _) in expected.items()
    }
    for each in found:
        durations = expected[each.starts_at, each.subject][2]
        if len(durations) > 1:
            hundredths = quantiles(durations, n=100, method="inclusive")
            assert (each.p50_ms, each.p95_ms, each.p99_ms) == pytest.approx([hundredths[n] for n in (49, 94, 98)])
            assert each.avg_ms == pytest.approx(sum(durations) / len(durations))


def test_the_summaries_answer_the_same_from_rows_and_from_what_is_counted(
    database: Database, test_database: TestDatabase
) -> None:
    _store(database, _requests(3_000, since=NOW - 50 * HOUR, until=NOW))
    from_rows = _answers(test_database)
    assert _roll_up(database) > 40
    assert _answers(test_database) == from_rows
    # The rows of whole hours that are counted are read no more.
    whole = NOW.replace(minute=0, second=0, microsecond=0)
    test_database.ask(
        "UPDATE gateway.request_logs SET duration_ms = 0, status_code = 500, user_id = id"
        " WHERE request_time >= %s AND request_time < %s",
        whole - HOUR,
        whole,
    )
    assert _answers(test_database)[:5] == from_rows[:5]
    assert _answers(test_database)[6:10] == from_rows[6:10]


def test_late_rows_are_counted_with_their_hour_and_their_day_and_read_until_then(
    database: Database, test_database: TestDatabase
) -> None:
    early = _requests(500, since=NOW - 30 * HOUR, until=NOW)
    late = _requests(200, since=NOW - 29 * HOUR, until=NOW - 20 * HOUR, seed=2)
    _store(database, early)
    _roll_up(database)
    _store(database, late)
    before = _answers(test_database)
    assert sum(each.entries for each in _counts(database, "day")) < sum(
        row["tenant_id"] == "acme" for row in [*early, *late]
    )
    assert 8 <= _roll_up(database) <= 10
    assert _answers(test_database) == before
    expected = _by_hand([*early, *late], 24 * HOUR)
    assert {(each.starts_at, each.subject): (each.entries, each.errors) for each in _counts(database, "day")} == {
        key: (entries, errors) for key, (entries, errors, _) in expected.items()
    }
    assert _roll_up(database) == 0


def test_rows_that_are_committed_while_hours_are_counted_are_counted_next_time(
    database: Database, test_database: TestDatabase
) -> None:
    with psycopg.connect(test_database.worker_url) as slow:
        slow.execute(
            "INSERT INTO gateway.request_logs (request_id, tenant_id, method, path) VALUES ('late', 'acme', 'GET', '/')"
        )
        _store(database, _requests(50, since=NOW - timedelta(minutes=1), until=NOW))
        _roll_up(database)
        before = sum(each.entries for each in _counts(database, "hour"))
    assert _roll_up(database) == 1
    assert sum(each.entries for each in _counts(database, "hour")) == before + 1


def test_what_is_counted_stays_when_retention_takes_the_rows(database: Database, test_database: TestDatabase) -> None:
    old = (TODAY - timedelta(days=31)).replace(day=2, hour=5)
    with database.transaction() as uow:
        uow.partitions.ensure_for("gateway.request_logs", [old])
    _store(database, _requests(300, since=old, until=old + HOUR))
    _store(database, _requests(300, since=NOW - 5 * HOUR, until=NOW, seed=2))
    _roll_up(database)
    answers, counts = _answers(test_database), _counts(database, "day")
    name = f"partitions.request_logs_y{old:%Y}m{old:%m}"
    test_database.ask(
        "UPDATE maintenance.data_retention_policies SET retention_days = 1 WHERE table_name = 'request_logs'"
    )
    with database.transaction() as uow:
        step = uow.partitions.retain()
    assert step is not None
    assert test_database.value("SELECT to_regclass(%s)", name) is None
    assert _answers(test_database) == answers
    # What comes later still for that time counts for nothing, and harms nothing.
    test_database.ask(
        "UPDATE maintenance.data_retention_policies SET retention_days = 90 WHERE table_name = 'request_logs'"
    )
    with database.transaction() as uow:
        uow.partitions.ensure_for("gateway.request_logs", [old])
    _store(database, _requests(5, since=old, until=old + HOUR, seed=3))
    _roll_up(database)
    assert _counts(database, "day") == counts


def test_servers_say_how_they_answered_in_the_last_day(database: Database, test_database: TestDatabase) -> None:
    test_database.ask("INSERT INTO gateway.mcp_servers (id, name, endpoint_url) VALUES ('tickets', 't', 'http://t')")
    rows = _requests(400, since=NOW - 10 * HOUR, until=NOW)
    _store(database, rows)
    _roll_up(database)
    mine = [row for row in rows if row["target_server_id"] == "tickets"]
    durations = [row["duration_ms"] for row in mine if isinstance(row["duration_ms"], float)]
    failed = sum(isinstance(row["status_code"], int) and row["status_code"] >= 400 for row in mine)
    ((response_ms, success),) = test_database.ask("SELECT avg_response_time, success_rate FROM gateway.mcp_servers")
    assert response_ms == pytest.approx(sum(durations) / len(durations))
    assert success == pytest.approx(100 * (1 - failed / len(mine)))


def test_calls_and_samples_are_counted(database: Database, test_database: TestDatabase) -> None:
    test_database.ask("INSERT INTO gateway.mcp_servers (id, name, endpoint_url) VALUES ('tickets', 't', 'http://t')")
    sampled = NOW.replace(minute=0, second=0, microsecond=0) - 3 * HOUR
    with database.transaction() as uow:
        uow.metrics.record(
            [
                {
                    "id": str(new()),
                    "server_id": "tickets",
                    "timestamp": (sampled + number * timedelta(minutes=10)).isoformat(),
                    "response_time_ms": 10.0 * number,
                    "error_rate": float(number),
                    "custom_metrics": {},
                }
                for number in range(5)
            ]
        )
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USERS[0])
    test_database.ask(
        "INSERT INTO service_usage_analytics (user_id, service_type, instance_id, status_code, response_time_ms,"
        " timestamp) SELECT %s, service_type, 'share', 400 + 100 * (n %% 2), n, %s FROM generate_series(1, 4) n,"
        " (SELECT service_type FROM service_registry ORDER BY 1 LIMIT 1) s",
        USERS[0],
        sampled,
    )
    _roll_up(database)
    window = Window(sampled - HOUR, sampled + HOUR)
    with database.transaction() as uow:
        (samples,) = uow.rollups.of_server("tickets", window, unit="hour")
        service = str(test_database.value("SELECT service_type FROM service_usage_rollups LIMIT 1"))
        (calls,) = uow.rollups.of_service(service, window, unit="hour")
    assert (samples.entries, samples.errors, samples.avg_ms, samples.p50_ms) == (5, 4, 20.0, 20.0)
    assert test_database.ask("SELECT error_rates, error_rate FROM gateway.metric_rollups") == [(5, 2.0)] * 2
    assert (calls.entries, calls.errors, calls.avg_ms, calls.p50_ms) == (4, 4, 2.5, 2.5)


def test_a_user_who_is_forgotten_is_counted_by_name_no_more(database: Database, test_database: TestDatabase) -> None:
    user_id = uuid4()
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", user_id)
    rows = [{**row, "user_id": str(user_id), "tenant_id": "acme"} for row in _requests(9, since=NOW - HOUR, until=NOW)]
    _store(database, rows)
    _roll_up(database)
    assert test_database.value("SELECT count(*) FROM gateway.request_users WHERE user_id = %s", user_id)
    erasing.erase(database, user_id)
    assert test_database.value("SELECT count(*) FROM gateway.request_users") == 0
    assert sum(each.entries for each in _counts(database, "hour")) == 9


def test_a_tick_counts_some_hours_a_step(applier: Applier, database: Database, test_database: TestDatabase) -> None:
    _store(database, _requests(200, since=NOW - 8 * HOUR, until=NOW))
    applier(delivered(RollupsDue.at(NOW)))
    assert test_database.value("SELECT count(*) FROM rollup_hours") == 1
    while parts := due(database, [RollupsDue.wire_name]):
        for part in parts:
            applier(part)
    assert test_database.value("SELECT count(*) FROM rollup_marks") == 0
    assert test_database.value("SELECT sum(entries) FROM gateway.request_rollups WHERE unit = 'hour'") == 200


def test_a_table_that_cannot_be_counted_keeps_no_other_from_it(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _store(database, _requests(20, since=NOW - HOUR, until=NOW))
    test_database.ask("INSERT INTO rollup_marks (table_name, hour) VALUES ('gateway.server_metrics', now())")
    test_database.ask("ALTER TABLE gateway.server_metrics RENAME COLUMN response_time_ms TO took")
    applier(delivered(RollupsDue.at(NOW)))
    assert test_database.value("SELECT count(*) FROM gateway.request_rollups WHERE unit = 'hour'") != 0
    ((outcome, problem),) = test_database.ask("SELECT outcome, problem FROM maintenance.ticks WHERE task = 'roll-up'")
    assert outcome == "failed"
    assert "server_metrics" in str(problem)
