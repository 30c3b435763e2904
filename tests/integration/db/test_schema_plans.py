"""A question about a month reads that month's partition and no other."""

import re
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from tests.databases import TestDatabase

from .worlds import Connection

TABLES: Final = [
    ("gateway.request_logs", "request_time", "tenant_id = 't'"),
    ("gateway.audit_logs", "timestamp", "tenant_id = 't'"),
    ("gateway.fastmcp_audit_log", "timestamp", "user_id = 'u'"),
    ("gateway.server_metrics", "timestamp", "server_id = 's'"),
    ("service_usage_analytics", "timestamp", "user_id = gen_random_uuid()"),
    ("audit_log", "created_at", "table_name = 'users'"),
    ("mcp_logs", "timestamp", "mcp_instance_id = gen_random_uuid()"),
    ("mcp_events", "created_at", "mcp_instance_id = gen_random_uuid()"),
]


@pytest.fixture(scope="module")
def connection(shared: TestDatabase) -> Iterator[Connection]:
    """Give a connection that reads tables as if they were too long to be read whole."""
    options = "-c search_path=public -c enable_seqscan=off -c timezone=UTC"
    with psycopg.connect(shared.admin_url, autocommit=True, options=options) as opened:
        yield opened


def _plan(connection: Connection, query: str) -> str:
    return "\n".join(str(line) for (line,) in connection.execute(f"EXPLAIN (COSTS off) {query}".encode()))


@pytest.mark.parametrize(("table", "column", "condition"), TABLES)
def test_only_the_months_that_are_asked_for_are_read(
    connection: Connection, table: str, column: str, condition: str
) -> None:
    plan = _plan(
        connection,
        f"SELECT * FROM {table} WHERE {condition} AND {column} >= date_trunc('month', now())"  # noqa: S608  our own words
        f" AND {column} < date_trunc('month', now()) + interval '1 month'",
    )
    # How many there are to remove depends on the day: old lines may have had a month made for them.
    assert "Subplans Removed" in plan
    assert "Index" in plan
    assert len(re.findall(r" on (?:\w+\.)?\w+_y\d{4}m\d{2} ", plan)) == 1
