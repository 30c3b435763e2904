"""Requests that called a tool count with it, once each, whoever writes at the same time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

import pytest

from db.engine import Database
from db.repositories.rollups import TABLES
from producers import MetricSample, MetricsSampled, RequestsServed, ServedRequest
from tests.databases import TestDatabase
from workers.applier import Applier

from .deliveries import delivered

NOW: Final = datetime.now(UTC)
TOOLS: Final = ("read", "search", "write")
COUNTS: Final = """
SELECT total_calls, success_count, error_count, avg_execution_time FROM gateway.server_tools
 WHERE server_id = 'tickets' AND name = %s
"""


@pytest.fixture(autouse=True)
def _tools(database: Database, test_database: TestDatabase) -> None:
    test_database.ask("INSERT INTO gateway.mcp_servers (id, name, endpoint_url) VALUES ('tickets', 't', 'http://t')")
    with database.transaction() as uow:
        uow.tools.refresh("tickets", [{"name": name, "description": None, "schema": {}} for name in TOOLS])


def _call(
    tool: str = "search", status: int | None = 200, took: float | None = 10, *, error: str | None = None
) -> ServedRequest:
    return ServedRequest(
        request_id="r",
        requested_at=NOW,
        method="POST",
        path="/mcp",
        server_id="tickets",
        tool=tool,
        status_code=status,
        duration_ms=took,
        error_type=error,
    )


def test_a_call_counts_with_its_tool_and_how_it_ended(applier: Applier, test_database: TestDatabase) -> None:
    calls = [
        _call(),
        _call(took=20),
        _call(status=500, took=60),
        _call(status=None, took=None),
        _call(error="ToolError"),
    ]
    applier(delivered(RequestsServed(requests=[*calls, _call("unlisted"), _call("read", took=None)])))
    assert test_database.ask(COUNTS, "search") == [(5, 2, 3, 25.0)]
    assert test_database.ask(COUNTS, "read") == [(1, 1, 0, None)]
    assert (
        test_database.value("SELECT count(*) FROM gateway.request_logs WHERE request_metadata ->> 'tool' = 'unlisted'")
        == 1
    )
    applier(delivered(RequestsServed(requests=[_call(took=85)])))
    assert test_database.ask(COUNTS, "search") == [(6, 3, 3, 35.0)]


def test_a_call_counts_once_however_often_it_is_delivered_and_in_whatever_order_others_come(
    applier: Applier, test_database: TestDatabase
) -> None:
    batches = [RequestsServed(requests=[_call(tool) for tool in order * 5]) for order in (TOOLS, TOOLS[::-1]) * 6]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda batch: applier(delivered(batch)), [*batches, *batches]))
    assert [test_database.ask(COUNTS, tool) for tool in TOOLS] == [[(60, 60, 0, 10.0)]] * 3


def test_times_without_end_do_not_keep_others_from_being_counted(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    applier(delivered(RequestsServed(requests=[_call(took=1e308), _call(took=1.7e308)])))
    samples = [MetricSample(server_id="tickets", sampled_at=NOW, response_time_ms=1.7e308) for _ in range(2)]
    applier(delivered(MetricsSampled(samples=samples)))
    for table in TABLES:
        with database.transaction() as uow:
            uow.rollups.roll_up(table, most=10)
    year_ms = 365 * 24 * 3_600_000
    assert test_database.value("SELECT avg_duration_ms FROM get_request_performance_summary(1)") == year_ms
    assert test_database.value("SELECT p99_ms FROM gateway.metric_rollups WHERE unit = 'day'") == year_ms
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0
