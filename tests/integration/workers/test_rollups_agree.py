"""What is counted and what the rows say is one, at every moment: late, twice, and from several workers at once."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Final
from uuid import UUID

import psycopg
import pytest

from db import erasing, migrations
from db.engine import Database
from db.errors import DatabaseError
from db.repositories.rollups import TABLES
from producers import Message, MetricSample, MetricsSampled, RequestsServed, ServedRequest
from tests.databases import TestDatabase
from workers.applier import Applier

from .deliveries import delivered

HOUR: Final = timedelta(hours=1)
NOW: Final = datetime.now(UTC)
USERS: Final = [UUID(int=number) for number in range(1, 6)]
SERVERS: Final = ("tickets", "mails", "maps")
BATCHES: Final = 8
FROM_ROWS: Final = (Path(migrations.__file__).parent / "versions/0049_rollups/answers_before.sql").read_text()
SUMMARIES: Final = [
    *(("SELECT * FROM get_request_performance_summary(%s)", (hours,)) for hours in (1, 3, 48, 9_999)),
    *(("SELECT * FROM get_tenant_usage_summary('acme', %s)", (hours,)) for hours in (1, 3, 48, 9_999)),
]
VIEW: Final = """
SELECT total_count, healthy_count, unhealthy_count, avg_response_time FROM performance_monitoring
 WHERE component = 'recent_requests'
"""
VIEW_FROM_ROWS: Final = """
SELECT total_requests, successful_requests, error_requests, avg_duration_ms
  FROM rows.get_request_performance_summary(1)
"""
REQUESTS: Final = """
SELECT date_trunc(%s, request_time, 'UTC'), coalesce(tenant_id, ''), coalesce(target_server_id, ''), count(*),
       count(*) FILTER (WHERE status_code >= 400), count(duration_ms), coalesce(sum(duration_ms), 0),
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_ms)
  FROM gateway.request_logs GROUP BY 1, 2, 3
"""
REQUESTS_COUNTED: Final = """
SELECT starts_at, tenant_id, server_id, entries, errors, measured, total_ms,
       CASE WHEN p50_ms IS NOT NULL THEN ARRAY[p50_ms, p95_ms, p99_ms] END
  FROM gateway.request_rollups WHERE unit = %s
"""
SAMPLES: Final = """
SELECT date_trunc(%s, timestamp, 'UTC'), server_id, count(*), count(*) FILTER (WHERE error_rate > 0),
       count(response_time_ms), coalesce(sum(response_time_ms), 0),
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY response_time_ms)
  FROM gateway.server_metrics GROUP BY 1, 2
"""
SAMPLES_COUNTED: Final = """
SELECT starts_at, server_id, entries, errors, measured, total_ms,
       CASE WHEN p50_ms IS NOT NULL THEN ARRAY[p50_ms, p95_ms, p99_ms] END
  FROM gateway.metric_rollups WHERE unit = %s
"""
USES: Final = """
SELECT date_trunc(%s, timestamp, 'UTC'), service_type, count(*), count(*) FILTER (WHERE status_code >= 400),
       count(response_time_ms), coalesce(sum(response_time_ms), 0)::double precision,
       percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY response_time_ms)
  FROM service_usage_analytics GROUP BY 1, 2
"""
USES_COUNTED: Final = """
SELECT starts_at, service_type, entries, errors, measured, total_ms,
       CASE WHEN p50_ms IS NOT NULL THEN ARRAY[p50_ms, p95_ms, p99_ms] END
  FROM service_usage_rollups WHERE unit = %s
"""
USE: Final = """
INSERT INTO service_usage_analytics (user_id, service_type, instance_id, status_code, response_time_ms, timestamp)
SELECT %s, service_type, 'share', 200 + 150 * (n %% 3), nullif(n * 7 %% 40, 0),
       CAST(%s AS timestamptz) - n * interval '9 min'
  FROM (SELECT service_type FROM service_registry ORDER BY 1 LIMIT 2) s, generate_series(1, 20) n
"""


@pytest.fixture(autouse=True)
def _as_rows_tell(test_database: TestDatabase) -> None:
    """Have the summaries as they were when they read nothing but rows, under a schema of their own."""
    test_database.ask("CREATE SCHEMA rows")
    test_database.ask(FROM_ROWS.replace("FUNCTION get_", "FUNCTION rows.get_"))
    test_database.ask("GRANT USAGE ON SCHEMA rows TO PUBLIC")
    for server in SERVERS:
        test_database.ask(
            "INSERT INTO gateway.mcp_servers (id, name, endpoint_url) VALUES (%s, %s, 'http://s')", *[server] * 2
        )


def _moment(chance: random.Random) -> datetime:
    """Give a time that no span ends near: mostly of today, sometimes of another day or month."""
    at = NOW - chance.choice([5, 30, 30, 700]) * HOUR * chance.random()
    return at + timedelta(minutes=5) if (at - NOW) % HOUR < timedelta(minutes=5) else at


def _took(chance: random.Random) -> float | None:
    # Quarters add up to the same in whatever order.
    return chance.choice([None, *(chance.randrange(4_000) / 4 for _ in range(9))])


def _requests(chance: random.Random) -> RequestsServed:
    return RequestsServed(
        requests=[
            ServedRequest(
                request_id=str(number),
                requested_at=_moment(chance),
                method="POST",
                path="/mcp",
                tenant_id=chance.choice(["acme", "umbrella", None]),
                user_id=chance.choice(USERS),
                server_id=chance.choice([*SERVERS, None]),
                duration_ms=_took(chance),
                status_code=chance.choice([None, 200, 200, 301, 404, 500]),
            )
            for number in range(40)
        ]
    )


def _samples(chance: random.Random) -> MetricsSampled:
    return MetricsSampled(
        samples=[
            MetricSample(
                server_id=chance.choice(SERVERS),
                sampled_at=_moment(chance),
                response_time_ms=_took(chance),
                error_rate=chance.choice([None, 0, 1.5]),
            )
            for _ in range(20)
        ]
    )


def _messages(seed: int) -> list[Message]:
    """Give batches, each twice, out of order."""
    chance = random.Random(seed)
    batches: list[Message] = [make(chance) for make in (_requests, _samples) for _ in range(BATCHES)]
    twice = [*batches, *batches]
    chance.shuffle(twice)
    return twice


def _roll_up(database: Database, most: int = 1_000) -> int:
    counted = 0
    for table in TABLES:
        with database.transaction() as uow:
            counted += uow.rollups.roll_up(table, most=most)
    return counted


def _disagreements(own: TestDatabase) -> list[tuple[str, object, object]]:
    """Ask rows and rollups in one moment, whatever is written meanwhile."""
    with psycopg.connect(own.admin_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        asked: list[tuple[str, object, object]] = [
            (
                statement,
                connection.execute(statement.encode(), values).fetchall(),
                connection.execute(statement.replace("get_", "rows.get_").encode(), values).fetchall(),
            )
            for statement, values in SUMMARIES
        ]
        view, from_rows = (connection.execute(each.encode()).fetchall() for each in (VIEW, VIEW_FROM_ROWS))
    return [each for each in [*asked, ("the view", view, from_rows)] if each[1] != each[2]]


def _uncounted(own: TestDatabase) -> set[str]:
    """Return hours and days that are not what their rows say."""
    found: set[str] = set()
    for from_rows, counted in ((REQUESTS, REQUESTS_COUNTED), (SAMPLES, SAMPLES_COUNTED), (USES, USES_COUNTED)):
        for unit in ("hour", "day"):
            found |= {str(row) for row in own.ask(from_rows, unit)} ^ {str(row) for row in own.ask(counted, unit)}
    return found


@pytest.mark.parametrize("seed", range(2))
def test_summaries_answer_as_the_rows_do_after_every_batch(
    applier: Applier, database: Database, test_database: TestDatabase, seed: int
) -> None:
    chance = random.Random(seed)
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USERS[0])
    for message in _messages(seed):
        applier(delivered(message))
        test_database.ask(USE, USERS[0], _moment(chance))
        if chance.random() < 0.5:
            _roll_up(database, chance.choice([1, 5, 1_000]))
        assert _disagreements(test_database) == []
    _roll_up(database)
    assert _uncounted(test_database) == set()


def test_several_workers_that_write_and_count_at_once_lose_nothing_and_block_nobody(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    is_over = Event()

    def count() -> list[str]:
        refused: list[str] = []
        while not is_over.is_set():
            try:
                _roll_up(database, 3)
            except DatabaseError as error:
                refused.append(error.sentence)
        return refused

    def check() -> list[object]:
        wrong: list[object] = []
        while not is_over.is_set():
            wrong += _disagreements(test_database)
        return wrong

    with ThreadPoolExecutor(6) as threads:
        counting, checking = [threads.submit(count) for _ in range(2)], threads.submit(check)
        try:
            list(threads.map(lambda message: applier(delivered(message)), _messages(9)))
        finally:
            is_over.set()
        assert [each.result() for each in counting] == [[], []]
        assert checking.result() == []
    _roll_up(database)
    assert _uncounted(test_database) == set()
    assert test_database.value("SELECT count(*) FROM gateway.request_logs") == BATCHES * 40
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0


def test_who_counts_waits_neither_for_another_nor_for_a_server_that_is_checked(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    applier(delivered(_requests(random.Random(1))))
    with psycopg.connect(test_database.admin_url) as check:
        check.execute("SELECT FROM gateway.mcp_servers WHERE id = 'tickets' FOR NO KEY UPDATE")
        with database.transaction() as first:
            assert first.rollups.roll_up("gateway.request_logs", most=100) > 0
            with database.transaction() as second:
                assert second.rollups.roll_up("gateway.request_logs", most=100) == 0
    told = test_database.ask("SELECT id FROM gateway.mcp_servers WHERE success_rate IS NOT NULL ORDER BY id")
    assert told == [("mails",), ("maps",)]
    applier(delivered(_requests(random.Random(2))))
    _roll_up(database)
    assert test_database.value("SELECT count(*) FROM gateway.mcp_servers WHERE success_rate IS NOT NULL") == len(
        SERVERS
    )


def test_who_is_forgotten_while_an_hour_is_counted_is_not_counted_by_name(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USERS[0])
    applier(delivered(_requests(random.Random(1))))
    named = "SELECT DISTINCT user_id FROM gateway.request_users WHERE user_id = %s"
    with database.transaction() as counting:
        counting.rollups.roll_up("gateway.request_logs", most=1_000)
        erasing.erase(database, USERS[0])
    assert test_database.ask(named, USERS[0]) == [(USERS[0],)]
    _roll_up(database)
    assert test_database.ask(named, USERS[0]) == []
    assert _uncounted(test_database) == set()
