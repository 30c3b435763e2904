"""Summaries say what is in the tables, and tidying up takes what is due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.databases import TestDatabase

from .worlds import NOW, Connection, World, change, insert


@pytest.fixture
def connection(shared: TestDatabase) -> Iterator[Connection]:
    """Give a transaction of which nothing stays."""
    with psycopg.connect(shared.admin_url, options="-c search_path=public -c timezone=UTC") as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def world(connection: Connection) -> World:
    made = World(1)
    made.insert(connection)
    return made


def _requests(connection: Connection, world: World, *statuses: int) -> None:
    for number, status in enumerate(statuses, start=1):
        row = world.rows["gateway.request_logs"]
        insert(connection, "gateway.request_logs", row | {"status_code": status, "duration_ms": 100 * number})


def test_servers_are_counted_by_what_probes_found(connection: Connection, world: World) -> None:
    change(connection, world, "gateway.mcp_servers", {"health_status": "HEALTHY", "avg_response_time": 12.345})
    counted = connection.execute("SELECT * FROM get_server_health_summary()").fetchone()
    assert counted == (1, 1, 0, 0, Decimal("12.35"))
    row = connection.execute("SELECT * FROM performance_monitoring WHERE component = 'servers'").fetchone()
    assert row is not None
    assert row[1:4] == (1, 1, 0)


def test_requests_are_counted_and_timed(connection: Connection, world: World) -> None:
    _requests(connection, world, 200, 404, 500)
    row = connection.execute("SELECT * FROM get_request_performance_summary(1)").fetchone()
    assert row is not None
    assert row[:3] == (4, 2, 2)
    assert [float(str(value)) for value in row[3:]] == [152.5, 285.0]


def test_a_tenants_errors_are_a_percentage(connection: Connection, world: World) -> None:
    _requests(connection, world, 200, 404, 500)
    row = connection.execute("SELECT * FROM get_tenant_usage_summary('tenant-1')").fetchone()
    assert row is not None
    assert [float(str(value)) for value in row] == [4, 1, 152.5, 50]


def test_an_hour_without_requests_is_no_error(connection: Connection) -> None:
    row = connection.execute("SELECT * FROM performance_monitoring WHERE component = 'recent_requests'").fetchone()
    assert row == ("recent_requests", 0, 0, 0, None, None)
    assert connection.execute("SELECT error_rate FROM get_tenant_usage_summary('nobody', 1)").fetchone() == (0,)


def test_the_url_of_a_shared_instance_follows_the_setting(connection: Connection, world: World) -> None:
    assert world.number == 1
    url = "SELECT instance_url FROM user_services_summary WHERE instance_id = 'share-1'"
    assert connection.execute(url.encode()).fetchone() == ("http://localhost/share-1/service-1/",)
    insert(connection, "system_settings", {"key": "app.public_base_url", "value": '"https://mcp.example/"'})
    assert connection.execute(url.encode()).fetchone() == ("https://mcp.example/share-1/service-1/",)


def test_sizes_include_the_partitions(connection: Connection, world: World) -> None:
    assert world.number == 1
    row = connection.execute(
        "SELECT partitions, total_bytes > 0 FROM database_size_summary WHERE tablename = 'request_logs'"
    ).fetchone()
    assert row == (5, True)


def test_a_view_is_refreshed_while_it_is_read_and_notes_it(connection: Connection, world: World) -> None:
    _requests(connection, world, 500)
    name = "mv_request_stats_hourly"
    for refreshed in (1, 2):
        rows = connection.execute("SELECT maintenance.refresh_materialized_view(%s)", (name,)).fetchone()
        assert rows == (1,)
        noted = connection.execute(
            "SELECT refresh_count, row_count, next_refresh > now() FROM gateway.materialized_views WHERE name = %s",
            (name,),
        )
        assert noted.fetchone() == (refreshed, 1, True)
    stats = connection.execute("SELECT total_requests, error_requests FROM gateway.mv_request_stats_hourly")
    assert stats.fetchone() == (2, 1)


def test_only_views_that_are_registered_are_refreshed(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable, match="no materialized view users"):
        connection.execute("SELECT maintenance.refresh_materialized_view('users')")


def test_usage_past_its_retention_goes_and_whole_months_are_left_to_retention(
    connection: Connection, world: World
) -> None:
    """Retention detaches a month as a whole; a DELETE of it would cost what detaching saves."""
    connection.execute("UPDATE maintenance.data_retention_policies SET retention_days = 1")
    today = datetime.now(UTC)
    cutoff = today - timedelta(days=1)
    for at in (cutoff - timedelta(minutes=1), cutoff + timedelta(minutes=1)):
        insert(connection, "service_usage_analytics", world.rows["service_usage_analytics"] | {"timestamp": at})
    last_month = cutoff.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(minutes=1)
    if cutoff.month == today.month:  # else there is no partition for it
        insert(connection, "service_usage_analytics", world.rows["service_usage_analytics"] | {"timestamp": last_month})
    expected = int((cutoff - timedelta(minutes=1)).month == cutoff.month)
    assert connection.execute("SELECT cleanup_old_usage_analytics()").fetchone() == (expected,)
    assert connection.execute("SELECT cleanup_old_usage_analytics()").fetchone() == (0,)
    left = connection.execute("SELECT count(*) FROM service_usage_analytics").fetchone()
    assert left == (3 + (cutoff.month == today.month) - expected,)
    runs = connection.execute(
        "SELECT affected FROM maintenance.runs WHERE task = 'cleanup_old_usage_analytics' ORDER BY id DESC LIMIT 2"
    )
    assert runs.fetchall() == [(0,), (expected,)]


def test_stale_results_of_validating_keys_go_in_batches(connection: Connection, world: World) -> None:
    connection.execute("DELETE FROM api_key_validation_cache WHERE user_id <> %s", (world.user_id,))
    stale = world.rows["api_key_validation_cache"] | {"expires_at": NOW - timedelta(seconds=1)}
    for number in range(3):
        insert(connection, "api_key_validation_cache", stale | {"key_hash": str(number)})
    removed = [connection.execute("SELECT cleanup_validation_cache(2)").fetchone() for _ in range(3)]
    assert removed == [(2,), (1,), (0,)]
    assert connection.execute("SELECT key_hash FROM api_key_validation_cache").fetchall() == [("h",)]


def test_a_worker_tidies_up_and_gathers_statistics(shared: TestDatabase) -> None:
    with psycopg.connect(shared.worker_url, autocommit=True, options="-c search_path=public") as worker:
        worker.execute("SELECT cleanup_old_usage_analytics(), cleanup_validation_cache()")
        worker.execute("SELECT maintenance.refresh_materialized_view('mv_request_stats_hourly')")
        row = worker.execute("SELECT maintenance.analyze_tables()").fetchone()
    assert row is not None
    assert {"gateway.request_logs", "public.users", "public.mcp_logs"} <= set(row[0])
