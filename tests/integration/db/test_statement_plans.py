"""Every hot statement reads through the index that is there for it, on tables of a realistic length."""

from collections.abc import Iterator

import psycopg
import pytest

from db.repositories import statements
from tests import crowd, databases
from tests.crowd import uuid
from tests.databases import TestDatabase

from .cold_statements import EXEMPT
from .hot_statements import HOT
from .plans import FEW, Hot, Planner, months_expected, months_of

ROWS = 20_000


@pytest.fixture(scope="module")
def planner(database_template: TestDatabase, database_server_url: str) -> Iterator[Planner]:
    """Have a database in which every table is long."""
    database = databases.copy(database_template)
    with psycopg.connect(database.admin_url, autocommit=True) as administrator:
        for table in crowd.CROWD:
            crowd.fill(administrator, table, ROWS)
        # Without VACUUM, what was added to a GIN index would still wait in its list to be read through.
        administrator.execute("VACUUM ANALYZE")
    planner = Planner.of(database)
    yield planner
    planner.connection.close()
    databases.drop(database, database_server_url)


PLANNED = [(hot, "force_custom_plan") for hot in HOT] + [
    (hot, "force_generic_plan") for hot in HOT if not statements()[hot.name].anew
]


@pytest.mark.parametrize(("hot", "mode"), PLANNED, ids=str)
def test_a_hot_statement_reads_through_its_index_and_only_the_months_it_asks_for(
    planner: Planner, hot: Hot, mode: str
) -> None:
    plan = planner.plan(hot, mode)
    assert hot.is_served_by(plan.indexes), plan.text
    assert not plan.read_whole, plan.text
    assert plan.rows_read <= FEW, plan.text
    if hot.months:
        assert months_of(plan, hot.months) == months_expected(hot.months), plan.text


def test_every_statement_has_its_plan_tested_or_a_reason_why_not() -> None:
    assert {hot.name for hot in HOT} | set(EXEMPT) == set(statements())
    assert not {hot.name for hot in HOT} & set(EXEMPT)


RECORDS = ("mcp_logs", "mcp_events", "service_usage_analytics", "audit_log", "request_logs", "fastmcp_audit_log")
BOUND = ("mcp_instance_id", "tenant_id", "user_id", "target_server_id", "record_id")
OPERATORS = {
    "audit.latest": "changes of all tables",
    "calls.failures": "a method that fails for many tenants",
    "usage.by_service": "services, whoever uses them",
}


def test_every_question_to_a_log_says_of_whom_but_for_what_operators_ask() -> None:
    """Tables of records are spread by these columns once one machine is too small for them."""
    reading = {
        name: statement.sql.decode()
        for name, statement in statements().items()
        if any(f"FROM {schema}{table}" in statement.sql.decode() for schema in ("", "gateway.") for table in RECORDS)
    }
    says_whose = [f"{column} {verb} " for column in BOUND for verb in ("=", "IS NOT DISTINCT FROM")]
    unbound = {name for name, sql in reading.items() if not any(words in sql for words in says_whose)}
    assert len(reading) > len(RECORDS)
    assert unbound == set(OPERATORS)


def test_no_statement_counts_its_way_to_a_page() -> None:
    assert [name for name, statement in statements().items() if b"OFFSET" in statement.sql.upper()] == []


def test_a_statement_is_seen_by_its_name(planner: Planner, shared: TestDatabase) -> None:
    assert all(statement.sql.startswith(f"/* {name} */".encode()) for name, statement in statements().items())
    statements()["users.get"].run(planner.connection, user_id=uuid(7))
    pid = planner.connection.info.backend_pid
    assert str(shared.value("SELECT query FROM pg_stat_activity WHERE pid = %s", pid)).startswith("/* users.get */")
