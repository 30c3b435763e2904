"""What goes with a row that is deleted, and what stays."""

from collections.abc import Iterator
from typing import Final

import psycopg
import pytest
from psycopg import sql

from db.errors import translate
from tests.databases import TestDatabase

from .worlds import Connection, World, identifier, insert

WITH_A_USER: Final = {
    "users_organizations",
    "outbox",
    "shared_moves",
    "user_service_instances",
    "service_usage_analytics",
    "api_key_validation_cache",
    "api_keys",
    "api_keys_archive",
    "mcp_instances",
    "mcp_instances_archive",
    "mcp_events",
    "mcp_events_archive",
    "mcp_logs",
    "health_targets",
    "health_checks",
    "health_hours",
    "gateway.sessions",
    "gateway.api_keys",
    "gateway.enhanced_api_keys",
    "gateway.server_access_control",
}
SECRETS: Final = {"user_service_instances", "api_keys", "api_keys_archive"}
WITH_A_SERVER: Final = {
    "gateway.server_tools",
    "gateway.server_resources",
    "gateway.server_metrics",
    "gateway.circuit_breakers",
    "gateway.connection_pools",
    "gateway.request_queues",
    "gateway.performance_alerts",
    "gateway.server_access_control",
}
WITH_A_TENANT: Final = {
    "organizations",
    "users_organizations",
    "outbox",
    "gateway.mcp_servers",
    "gateway.api_keys",
    "gateway.enhanced_api_keys",
    "gateway.routing_rules",
    "gateway.system_configs",
    *WITH_A_SERVER,
}


@pytest.fixture
def connection(shared: TestDatabase) -> Iterator[Connection]:
    """Give a transaction of which nothing stays."""
    with psycopg.connect(shared.admin_url) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def world(connection: Connection) -> World:
    made = World(1)
    made.insert(connection)
    return made


def _gone(connection: Connection, world: World) -> set[str]:
    """Tell the tables whose row of this world is not there any more."""
    gone = set()
    for table in world.rows:
        column, value = world.key(table)
        query = sql.SQL("SELECT FROM {} WHERE {} = {}")
        found = connection.execute(query.format(identifier(table), sql.Identifier(column), value))
        if not found.rowcount:
            gone.add(table)
    return gone


def test_a_user_takes_along_what_only_the_user_had(connection: Connection, world: World) -> None:
    connection.execute("DELETE FROM users WHERE id = %s", (world.user_id,))
    assert _gone(connection, world) == {"users", *WITH_A_USER}


def test_the_record_forgets_the_user_and_keeps_what_happened(connection: Connection, world: World) -> None:
    connection.execute("UPDATE audit_log SET user_id = %s WHERE record_id = 'record-1'", (world.user_id,))
    connection.execute("DELETE FROM users WHERE id = %s", (world.user_id,))
    assert connection.execute("SELECT user_id FROM audit_log WHERE record_id = 'record-1'").fetchall() == [(None,)]
    assert connection.execute("SELECT created_by FROM gateway.mcp_servers WHERE id = 'server-1'").fetchall() == [
        (None,)
    ]


def test_a_server_takes_along_what_belongs_to_it_and_leaves_the_logs(connection: Connection, world: World) -> None:
    connection.execute("DELETE FROM gateway.mcp_servers WHERE id = 'server-1'")
    assert _gone(connection, world) == {"gateway.mcp_servers", *WITH_A_SERVER}


def test_a_tenant_with_users_stays(connection: Connection, world: World) -> None:
    # PostgreSQL 18 calls it a violation of RESTRICT, 15 one of the foreign key.
    with pytest.raises((psycopg.errors.RestrictViolation, psycopg.errors.ForeignKeyViolation)):
        connection.execute("DELETE FROM tenants WHERE id = %s", (world.tenant_id,))


def test_a_tenant_without_users_takes_along_what_it_had(connection: Connection, world: World) -> None:
    connection.execute("UPDATE users SET tenant_id = NULL WHERE id = %s", (world.user_id,))
    connection.execute("DELETE FROM tenants WHERE id = %s", (world.tenant_id,))
    assert _gone(connection, world) == {"tenants", *WITH_A_TENANT}


def test_an_instance_gives_its_port_up_and_not_away(connection: Connection, world: World) -> None:
    """The port is neither free nor leased until it is reconciled: something may still listen on it."""
    connection.execute("DELETE FROM mcp_instances WHERE id = %s", (world.instance_id,))
    health = {"health_targets", "health_checks", "health_hours"}
    assert _gone(connection, world) == {"mcp_instances", "mcp_events", "mcp_logs", *health}
    port = connection.execute("SELECT is_available, mcp_instance_id FROM port_allocations WHERE host_id = 'world-1'")
    assert port.fetchall() == [(False, None)]


def test_a_service_in_use_stays_and_may_be_renamed(connection: Connection, world: World) -> None:
    assert "service_registry" not in _gone(connection, world)
    with pytest.raises(psycopg.errors.ForeignKeyViolation), connection.transaction():
        connection.execute("DELETE FROM service_registry WHERE service_type = 'service-1'")
    connection.execute("UPDATE service_registry SET service_type = 'renamed' WHERE service_type = 'service-1'")
    for table in (
        "user_service_instances",
        "service_health_status",
        "service_usage_analytics",
        "api_key_validation_cache",
    ):
        query = sql.SQL("SELECT count(*) FROM {} WHERE service_type = 'renamed'").format(identifier(table))
        assert connection.execute(query).fetchone() == (1,)


def test_a_master_key_in_use_stays(connection: Connection, world: World) -> None:
    assert world.number == 1
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("DELETE FROM encryption_keys WHERE key_id = 'master-1'")


@pytest.mark.parametrize("table", sorted(SECRETS))
def test_a_master_key_is_not_retired_while_a_secret_is_under_it(
    connection: Connection, world: World, table: str
) -> None:
    for other in SECRETS - {table}:
        connection.execute(sql.SQL("DELETE FROM {}").format(identifier(other)))
    retire = "UPDATE encryption_keys SET status = 'retired' WHERE key_id = %s"
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused, connection.transaction():
        connection.execute(retire, (f"master-{world.number}",))
    assert "before it goes" in str(translate(refused.value))
    connection.execute(sql.SQL("DELETE FROM {}").format(identifier(table)))
    connection.execute(retire, (f"master-{world.number}",))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        insert(connection, table, world.rows[table])
