"""Two tenants with a row of everything: each login sees what is its own, whatever it asks."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, urlsplit

import psycopg
import pytest

from db import roles
from tests import databases
from tests.databases import PASSWORD, TestDatabase

from .worlds import Connection, World

Denied = psycopg.errors.InsufficientPrivilege

# What a producer may read, and the setting by which it says whose rows.
BY_USER: Final = (
    "users",
    "mcp_instances",
    "mcp_instances_archive",
    "mcp_events",
    "mcp_events_archive",
    "mcp_logs",
    "health_targets",
    "health_checks",
    "health_hours",
    "user_service_instances",
    "shared_moves",
    "service_usage_analytics",
    "users_organizations",
    "organizations",
    "outbox",
    "user_services_summary",
    "gateway.sessions",
    "gateway.api_keys",
    "gateway.enhanced_api_keys",
    "gateway.server_access_control",
)
BY_TENANT: Final = (
    "tenants",
    "organizations",
    "gateway.mcp_servers",
    "gateway.server_tools",
    "gateway.server_resources",
    *("gateway.server_metrics", "gateway.request_rollups", "gateway.request_users"),
    "gateway.circuit_breakers",
    "gateway.connection_pools",
    "gateway.request_queues",
    "gateway.performance_alerts",
    "gateway.api_keys",
    "gateway.enhanced_api_keys",
    "gateway.audit_logs",
    "gateway.request_logs",
    "gateway.fastmcp_audit_log",
    "gateway.routing_rules",
    "gateway.system_configs",
)
FOR_WORKERS: Final = (
    "api_keys",
    "api_keys_archive",
    "api_key_validation_cache",
    "audit_log",
    "log_quarantine",
    "gateway.record_quarantine",
    "service_usage_quarantine",
)
SECRETS: Final = (
    ("users", "password_hash"),
    ("user_service_instances", "encrypted_api_key"),
    ("user_service_instances", "encrypted_additional_credentials"),
    ("gateway.sessions", "session_token_hash"),
    ("gateway.sessions", "session_data"),
    ("gateway.api_keys", "key_hash"),
    ("gateway.enhanced_api_keys", "key_hash"),
    ("gateway.enhanced_api_keys", "salt"),
)
VIEWS: Final = (
    *("performance_monitoring", "service_health_dashboard"),
    "database_size_summary",
    "index_usage_summary",
    "table_health_summary",
    "get_server_health_summary()",
    "get_request_performance_summary()",
    "get_tenant_usage_summary('tenant-1')",
    "gateway.mv_request_stats_hourly",
    "gateway.materialized_views",
    "maintenance.partition_health",
)


@pytest.fixture(scope="module")
def populated(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    database = databases.copy(database_template)
    with psycopg.connect(database.admin_url) as connection:
        for number in (1, 2):
            World(number).insert(connection)
    yield database
    databases.drop(database, database_server_url)


def _login(database: TestDatabase, role: str) -> "psycopg.Connection[tuple[object, ...]]":
    name = f"minimcp_test_{role}"
    roles.create_login(database.admin_url, name, PASSWORD, role)
    parts = urlsplit(database.admin_url)
    url = parts._replace(netloc=f"{name}:{quote(PASSWORD)}@{parts.hostname}:{parts.port}").geturl()
    return psycopg.connect(url, autocommit=True, options="-c search_path=public")


@pytest.fixture(scope="module")
def producer(populated: TestDatabase) -> Iterator[Connection]:
    with _login(populated, "producer") as connection:
        yield connection


@pytest.fixture(scope="module")
def reader(populated: TestDatabase) -> Iterator[Connection]:
    with _login(populated, "reader") as connection:
        yield connection


@pytest.fixture(scope="module")
def worker(populated: TestDatabase) -> Iterator[Connection]:
    with psycopg.connect(populated.worker_url, autocommit=True) as connection:
        yield connection


def _count(connection: Connection, relation: str) -> object:
    ((count,),) = connection.execute(f"SELECT count(*) FROM {relation}".encode()).fetchall()  # noqa: S608  our relations
    return count


def _as(connection: Connection, *, user: object = None, tenant: str | None = None) -> None:
    for setting, value in (("app.user_id", user), ("app.tenant_id", tenant)):
        if value is not None:
            connection.execute("SELECT set_config(%s, %s, true)", (setting, str(value)))


@pytest.mark.parametrize("relation", BY_USER)
def test_a_user_sees_its_own_row_only(populated: TestDatabase, producer: Connection, relation: str) -> None:
    user_id = populated.value("SELECT id FROM users WHERE username = 'ada-1'")
    with producer.transaction():
        _as(producer, user=user_id)
        assert _count(producer, relation) == 1
    assert _count(producer, relation) == 0, "the user of one transaction is not the user of the next"


@pytest.mark.parametrize("relation", BY_TENANT)
def test_a_tenant_sees_its_own_row_only(producer: Connection, relation: str) -> None:
    with producer.transaction():
        _as(producer, tenant="tenant-2")
        assert _count(producer, relation) == 1
    assert _count(producer, relation) == 0, "the tenant of one transaction is not the tenant of the next"


@pytest.mark.parametrize("relation", sorted({*BY_USER, *BY_TENANT}))
def test_nobody_sees_nothing(producer: Connection, relation: str) -> None:
    with producer.transaction():
        _as(producer, user="00000000-0000-0000-0000-000000000000", tenant="nobody")
        assert _count(producer, relation) == 0


@pytest.mark.parametrize("relation", FOR_WORKERS)
def test_a_producer_does_not_read_what_is_for_workers(producer: Connection, relation: str) -> None:
    with pytest.raises(Denied):
        _count(producer, relation)


@pytest.mark.parametrize(("table", "column"), SECRETS)
def test_hashes_and_ciphertext_stay_with_the_workers(producer: Connection, table: str, column: str) -> None:
    with pytest.raises(Denied):
        producer.execute(f"SELECT {column} FROM {table}".encode())  # noqa: S608  our names


def test_functions_and_views_count_only_what_the_caller_sees(producer: Connection) -> None:
    with producer.transaction():
        _as(producer, tenant="tenant-1")
        assert producer.execute("SELECT total_servers FROM get_server_health_summary()").fetchone() == (1,)
        row = producer.execute("SELECT total_requests, avg_duration_ms FROM get_request_performance_summary()")
        assert row.fetchone() == (1, 10)
        theirs = producer.execute("SELECT total_requests, error_rate FROM get_tenant_usage_summary('tenant-2')")
        assert theirs.fetchone() == (0, 0)


@pytest.mark.parametrize("view", VIEWS)
def test_a_reader_sees_the_summaries(reader: Connection, view: str) -> None:
    reader.execute(f"SELECT * FROM {view}".encode())  # noqa: S608  our views


def test_a_reader_counts_over_all_tenants(reader: Connection) -> None:
    assert reader.execute("SELECT total_servers FROM get_server_health_summary()").fetchone() == (2,)
    counts = reader.execute("SELECT active_users FROM service_health_dashboard WHERE service_type LIKE 'service-%'")
    assert counts.fetchall() == [(1,), (1,)]


@pytest.mark.parametrize("relation", sorted({*BY_USER, *BY_TENANT, *FOR_WORKERS}))
def test_a_reader_sees_no_row_of_a_user_or_a_tenant(reader: Connection, relation: str) -> None:
    with pytest.raises(Denied):
        reader.execute(f"SELECT * FROM {relation}".encode())  # noqa: S608  our relations


@pytest.mark.parametrize("relation", sorted({*BY_USER, *BY_TENANT, *FOR_WORKERS}))
def test_a_worker_sees_every_row(worker: Connection, relation: str) -> None:
    # What the worlds' own rows left in the audit trail is told elsewhere.
    condition = " WHERE record_id LIKE 'record-%%'" if relation == "audit_log" else ""
    assert _count(worker, f"{relation}{condition}") == 2


@pytest.mark.parametrize(
    "table", ["audit_log", "gateway.audit_logs", "gateway.fastmcp_audit_log", "mcp_events", "mcp_events_archive"]
)
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_a_worker_adds_to_the_record_and_changes_nothing_in_it(worker: Connection, table: str, verb: str) -> None:
    with pytest.raises(Denied):
        worker.execute(verb.format(table).encode())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE gateway.mine (a int)",
        "DROP TABLE gateway.request_logs",
        "ALTER TABLE gateway.mcp_servers DISABLE ROW LEVEL SECURITY",
        "TRUNCATE gateway.request_logs",
        "TRUNCATE users CASCADE",
        "REFRESH MATERIALIZED VIEW gateway.mv_request_stats_hourly",
        "UPDATE gateway.materialized_views SET refresh_strategy = 'manual'",
        "INSERT INTO outbox (message_id, queue, wire_name, payload) VALUES (gen_random_uuid(), 'a', 'b', '{}')",
        "ALTER TYPE user_role ADD VALUE 'god'",
        "DELETE FROM mcp_types_archive",
    ],
)
def test_a_worker_may_not_do_what_is_the_owners(worker: Connection, statement: str) -> None:
    with pytest.raises((Denied, psycopg.errors.WrongObjectType)):
        worker.execute(statement.encode())


@pytest.mark.parametrize("role", ["worker", "producer", "reader"])
def test_nobody_enters_a_partition_past_its_parent(
    request: pytest.FixtureRequest, populated: TestDatabase, role: str
) -> None:
    connection: Connection = request.getfixturevalue(role)
    partitions = populated.ask("SELECT partition_name FROM maintenance.partition_catalog")
    assert len(partitions) >= 5 * 10
    for (name,) in partitions:
        with pytest.raises(Denied):
            _count(connection, f"partitions.{name}")


def test_partitions_are_bound_by_row_level_security_like_their_parents(populated: TestDatabase) -> None:
    unbound = populated.ask(
        """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'partitions' AND c.relkind = 'r' AND NOT c.relrowsecurity
        """
    )
    assert unbound == []


def test_a_message_in_the_outbox_names_nobody_but_its_sender(populated: TestDatabase, producer: Connection) -> None:
    first, second = populated.ask("SELECT id FROM users WHERE username LIKE 'ada-%' ORDER BY username")
    with producer.transaction(force_rollback=True):
        _as(producer, user=first[0], tenant="tenant-1")
        (message_id,) = producer.execute("SELECT enqueue_message('instances.delete.v1', '{}')").fetchone() or (0,)
        sender = producer.execute("SELECT user_id, tenant_id FROM outbox WHERE message_id = %s", [message_id])
        assert sender.fetchall() == [(first[0], "tenant-1")]
        _as(producer, user=second[0], tenant="tenant-2")
        assert producer.execute("SELECT FROM outbox WHERE message_id = %s", [message_id]).fetchall() == []
    with pytest.raises(Denied), producer.transaction():
        producer.execute("UPDATE outbox SET user_id = %s", second)


def test_every_relation_that_a_producer_may_read_row_by_row_is_tried_here(populated: TestDatabase) -> None:
    readable = populated.ask(
        """
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'gateway') AND c.relkind IN ('r', 'p') AND c.relrowsecurity
           AND has_any_column_privilege('mcp_producer', c.oid, 'SELECT')
        """
    )
    assert {name for (name,) in readable} == {*BY_USER, *BY_TENANT} - {"user_services_summary"}


def test_what_a_producer_may_read_without_row_level_security_is_nobodys(populated: TestDatabase) -> None:
    unbound = populated.ask(
        """
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'gateway', 'maintenance') AND c.relkind IN ('r', 'p', 'm', 'v')
           AND NOT c.relrowsecurity AND NOT 'security_invoker=true' = ANY (coalesce(c.reloptions, '{}'))
           AND has_any_column_privilege('mcp_producer', c.oid, 'SELECT') ORDER BY 1
        """
    )
    assert [name for (name,) in unbound] == [
        *("mcp_types", "mcp_types_archive", "rollup_hours", "rollup_marks"),
        "service_health_status",
        "service_registry",
        "system_settings",
    ]
