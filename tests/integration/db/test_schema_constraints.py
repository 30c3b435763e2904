"""Every named constraint refuses what it is there to refuse."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

import psycopg
import pytest

from tests.databases import TestDatabase

from .worlds import EARLIER, LATER, NOW, Connection, Row, World, change

_BREAKERS = "gateway.circuit_breakers"
_POOLS = "gateway.connection_pools"
_QUEUES = "gateway.request_queues"
_ALERTS = "gateway.performance_alerts"
_ACCESS = "gateway.server_access_control"
_SERVERS = "gateway.mcp_servers"
_POLICIES = "maintenance.data_retention_policies"

CHECKS: Final[list[tuple[str, str, Row]]] = [
    ("audit_log", "check_action", {"action": "LOOK"}),
    ("audit_log", "check_data", {"new_data": None}),
    ("encryption_keys", "check_check_value", {"check_value": "no hash"}),
    ("encryption_keys", "check_key_status", {"status": "lost"}),
    ("secret_checks", "check_check_value", {"check_value": "no hash"}),
    ("gateway.api_keys", "check_key_expiry", {"expires_at": EARLIER}),
    ("gateway.api_keys", "check_key_owner", {"tenant_id": None, "user_id": None}),
    (_BREAKERS, "check_breaker_counts", {"failure_count": -1}),
    (_BREAKERS, "check_breaker_limits", {"timeout_ms": 0}),
    (_BREAKERS, "check_breaker_state", {"state": "ajar"}),
    (_POOLS, "check_pool_size", {"min_size": 11}),
    (_POOLS, "check_pool_timeouts", {"timeout_ms": -1}),
    ("gateway.enhanced_api_keys", "check_enhanced_key_expiry", {"expires_at": EARLIER}),
    ("gateway.enhanced_api_keys", "check_enhanced_key_owner", {"tenant_id": None, "user_id": None}),
    ("gateway.enhanced_api_keys", "check_rate_limits", {"rate_limit_per_day": 0}),
    ("gateway.fastmcp_audit_log", "check_duration", {"duration_ms": -1}),
    (_SERVERS, "check_health_status", {"health_status": "healthy"}),
    (_SERVERS, "check_positive_timeout", {"timeout_ms": -1}),
    (_SERVERS, "check_server_status", {"status": "retired"}),
    (_SERVERS, "check_success_rate", {"success_rate": 100.5}),
    (_SERVERS, "check_transport_type", {"transport_type": "pigeon"}),
    (_SERVERS, "check_valid_date_range", {"expires_at": EARLIER}),
    (_SERVERS, "check_valid_url", {"endpoint_url": "ftp://server.example"}),
    (_SERVERS, "check_valid_url", {"endpoint_url": "https://with a blank"}),
    (_SERVERS, "check_valid_url", {"endpoint_url": ""}),
    (_ALERTS, "check_alert_times", {"duration_minutes": -1}),
    (_ALERTS, "check_comparison_operator", {"comparison_operator": "~"}),
    (_ALERTS, "check_triggered_since", {"is_triggered": True}),
    ("gateway.request_logs", "check_duration", {"duration_ms": -0.5}),
    ("gateway.request_logs", "check_response_size", {"response_size_bytes": -1}),
    ("gateway.request_logs", "check_status_code", {"status_code": 600}),
    (_QUEUES, "check_queue_limits", {"processing_timeout_ms": -1}),
    (_QUEUES, "check_queue_sizes", {"current_size": -1}),
    ("gateway.routing_rules", "check_load_balancing_strategy", {"load_balancing_strategy": "luck"}),
    (_ACCESS, "check_access_window", {"access_start_time": LATER, "access_end_time": NOW}),
    (_ACCESS, "check_one_subject", {"user_id": None}),
    (_ACCESS, "check_one_subject", {"tenant_id": "tenant-1"}),
    ("gateway.server_metrics", "check_error_rate", {"error_rate": 101}),
    ("gateway.server_resources", "check_access_counts", {"total_accesses": -1}),
    ("gateway.server_tools", "check_call_counts", {"error_count": -1}),
    ("gateway.sessions", "check_session_expiry", {"expires_at": EARLIER}),
    ("gateway.sessions", "check_session_token_hash", {"session_token_hash": "the token itself"}),
    ("gateway.system_configs", "check_config_version", {"version": 0}),
    ("health_checks", "check_era", {"era": "stone"}),
    ("health_checks", "check_response_ms", {"response_ms": -1}),
    ("health_checks", "check_verdict", {"verdict": "fine"}),
    ("health_hours", "check_hour_counts", {"alive": 2}),
    ("health_targets", "check_breaker_state", {"breaker": "ajar"}),
    ("health_targets", "check_era", {"era": "stone"}),
    ("health_targets", "check_instance_target", {"id": UUID(int=1)}),
    ("health_targets", "check_next_check_reason", {"next_check_reason": "why not"}),
    ("health_targets", "check_target_counts", {"consecutive_failures": -1}),
    ("health_targets", "check_target_subject", {"kind": "service"}),
    ("health_targets", "check_target_thresholds", {"recovery_threshold": 1}),
    ("health_targets", "check_target_times", {"timeout_seconds": 31}),
    ("health_targets", "check_verdict", {"verdict": "fine"}),
    ("mcp_instances", "check_access_token_hash", {"access_token_hash": "the token itself"}),
    ("mcp_instances", "check_access_url", {"access_url": None}),
    ("mcp_instances", "check_port_range", {"assigned_port": 3000}),
    ("mcp_instances", "check_port_range", {"assigned_port": 65536}),
    ("mcp_instances", "check_status", {"status": "inactive"}),
    ("mcp_logs", "check_level", {"level": "fatal"}),
    ("mcp_logs", "check_source", {"source": "rumour"}),
    ("mcp_types", "check_max_duration", {"max_duration_minutes": 0}),
    ("outbox", "check_outbox_attempts", {"attempts": -1}),
    ("outbox", "check_outbox_payload", {"payload": "[]"}),
    ("outbox", "check_outbox_sender", {"user_id": None, "tenant_id": None}),
    ("port_allocations", "check_available_port", {"is_available": True}),
    ("port_allocations", "check_set_aside", {"set_aside_at": NOW, "set_aside_reason": "nginx listens there"}),
    ("port_allocations", "check_set_aside", {"set_aside_at": NOW, "mcp_instance_id": None}),
    ("port_allocations", "check_port", {"port": 3000}),
    ("redeliveries", "check_state", {"state": "lost"}),
    ("shared_moves", "check_outcome", {"outcome": "lost"}),
    ("service_health_status", "check_consecutive_failures", {"consecutive_failures": -1}),
    ("service_health_status", "check_response_time", {"response_time_ms": -1}),
    ("service_health_status", "check_uptime_percentage", {"uptime_percentage": 100.01}),
    ("service_registry", "check_auth_type", {"auth_type": "handshake"}),
    ("service_registry", "check_base_url", {"base_url": "service.example"}),
    ("service_registry", "check_health_check_endpoint", {"health_check_endpoint": "health"}),
    ("service_registry", "check_service_port", {"port": 80}),
    ("service_registry", "check_service_type", {"service_type": "Service 2"}),
    ("service_usage_analytics", "check_response_time", {"response_time_ms": -1}),
    ("service_usage_analytics", "check_status_code", {"status_code": 20}),
    ("tenants", "check_tenant_id", {"id": ""}),
    ("tenants", "check_tenant_status", {"status": "happy"}),
    ("user_service_instances", "check_encrypted_api_key", {"encrypted_api_key": ""}),
    ("user_service_instances", "check_share_end", {"ended_at": "2026-01-01T00:00Z"}),
    ("user_service_instances", "check_share_key", {"encryption_key_id": None}),
    ("user_service_instances", "check_usage_count", {"usage_count": -1}),
    ("users", "check_auth_provider", {"auth_provider": None}),
]

# What the second world's row takes from the first world's to be its double.
UNIQUE: Final[list[tuple[str, str, list[str]]]] = [
    ("api_keys", "uq_api_keys_user_id", ["user_id", "mcp_type_id"]),
    ("dead_letters", "uq_dead_letters_message_id", ["message_id"]),
    ("gateway.api_keys", "uq_api_keys_key_hash", ["key_hash"]),
    (_BREAKERS, "uq_circuit_breakers_server_id", ["server_id"]),
    (_POOLS, "uq_connection_pools_server_id", ["server_id"]),
    ("gateway.enhanced_api_keys", "uq_enhanced_api_keys_key_hash", ["key_hash"]),
    (_SERVERS, "idx_mcp_servers_tenant_id_name", ["tenant_id", "name"]),
    (_SERVERS, "unique_active_server", ["tenant_id", "endpoint_url"]),
    (_ALERTS, "idx_performance_alerts_name", ["server_id"]),
    (_QUEUES, "uq_request_queues_server_id", ["server_id"]),
    ("gateway.routing_rules", "idx_routing_rules_name", ["tenant_id", "name"]),
    ("gateway.server_resources", "uq_server_resources_server_id", ["server_id"]),
    ("gateway.server_tools", "uq_server_tools_server_id", ["server_id"]),
    ("gateway.sessions", "uq_sessions_session_token_hash", ["session_token_hash"]),
    ("gateway.system_configs", "idx_system_configs_key", ["tenant_id", "key"]),
    ("mcp_instances", "idx_mcp_instances_live_port", ["assigned_port"]),
    ("mcp_instances", "uq_mcp_instances_access_token_hash", ["access_token_hash"]),
    ("mcp_types", "uq_mcp_types_name", ["name"]),
    ("organizations", "idx_organizations_name", ["tenant_id", "name"]),
    ("port_allocations", "idx_port_allocations_mcp", ["mcp_instance_id"]),
    ("service_registry", "uq_service_registry_port", ["port"]),
    ("tenants", "idx_tenants_name", ["name"]),
    ("user_service_instances", "uq_user_service_instances_user_id", ["user_id", "service_type"]),
    ("users", "idx_users_auth_provider", ["auth_provider_id"]),
    ("users", "idx_users_email", ["email"]),
    ("users", "idx_users_username", ["username"]),
]

# Only the owner and its functions write these; the tests of partitions, master keys, erasures and targets meet them.
_ROLLUPS: Final = ("service_usage_rollups", "gateway.request_rollups", "gateway.metric_rollups")
ELSEWHERE: Final = {
    ("encryption_keys", "idx_encryption_keys_active"),
    ("encryption_keys", "uq_encryption_keys_usable_id"),
    ("gateway.materialized_views", "uq_materialized_views_name"),
    ("gateway.mv_request_stats_hourly", "idx_mv_request_stats_hourly_key"),
    ("gateway.performance_alerts", "uq_performance_alerts_target_id"),
    ("health_targets", "uq_health_targets_mcp_instance_id"),
    ("health_targets", "uq_health_targets_server_id"),
    ("health_targets", "uq_health_targets_service_type"),
    ("inbox", "check_outcome"),
    ("maintenance.runs", "check_run_bytes"),
    ("maintenance.runs", "check_run_outcome"),
    ("maintenance.ticks", "check_tick_outcome"),
    ("maintenance.ticks", "check_tick_problem"),
    ("maintenance.detached_partitions", "check_archive"),
    ("maintenance.detached_partitions", "check_archive_sha256"),
    ("maintenance.audit_blocks", "check_block_entries"),
    ("maintenance.audit_blocks", "check_block_rows"),
    ("maintenance.audit_entries", "check_entry_kind"),
    *((table, name) for table in _ROLLUPS for name in ("check_rollup_counts", "check_rollup_unit")),
    ("maintenance.detached_partitions", "check_archived_rows"),
    ("maintenance.detached_partitions", "check_archiving"),
    ("maintenance.detached_partitions", "idx_detached_partitions_relation"),
    ("maintenance.erasures", "check_erased"),
    ("maintenance.legal_holds", "check_held"),
    ("maintenance.legal_holds", "check_hold_reason"),
    ("maintenance.legal_holds", "check_hold_until"),
    ("maintenance.legal_holds", "check_released"),
    ("maintenance.erasures", "idx_erasures_open"),
}

OWNERS: Final[list[tuple[str, str, str]]] = [
    (_POLICIES, "check_partition_key", "partition_key = 'colour'"),
    (_POLICIES, "check_partition_unit", "partition_unit = 'year'"),
    (_POLICIES, "check_retention_days", "retention_days = 0"),
    (_POLICIES, "check_strategy", "strategy = 'hope'"),
    (_POLICIES, "check_units_ahead", "units_ahead = 0"),
    ("maintenance.row_policies", "check_keep_days", "keep_days = 0"),
    ("maintenance.user_references", "check_reference_action", "action = 'hide'"),
    ("maintenance.user_references", "check_reference_kind", "kind = 'rumour'"),
    ("message_contracts", "check_contract_sender", "sender = 'anybody'"),
    ("gateway.materialized_views", "check_refresh_interval", "refresh_interval_minutes = 0"),
    ("gateway.materialized_views", "check_refresh_schedule", "refresh_interval_minutes = NULL"),
    ("gateway.materialized_views", "check_refresh_strategy", "refresh_strategy = 'sometimes'"),
]


@pytest.fixture(scope="module")
def worlds(shared: TestDatabase) -> Iterator[tuple[Connection, World, World]]:
    """Have two worlds, which nobody else sees."""
    with psycopg.connect(shared.admin_url) as connection:
        first, second = World(1), World(2)
        first.insert(connection)
        second.insert(connection)
        yield connection, first, second
        connection.rollback()


@pytest.mark.parametrize(("table", "constraint", "changes"), CHECKS)
def test_a_value_that_makes_no_sense_is_refused(
    worlds: tuple[Connection, World, World], table: str, constraint: str, changes: Row
) -> None:
    connection, _, second = worlds
    with pytest.raises(psycopg.errors.CheckViolation) as refused, connection.transaction():
        assert change(connection, second, table, changes)
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(("table", "constraint", "columns"), UNIQUE)
def test_a_double_is_refused(
    worlds: tuple[Connection, World, World], table: str, constraint: str, columns: list[str]
) -> None:
    connection, first, second = worlds
    changes = {column: first.rows[table][column] for column in columns}
    with pytest.raises(psycopg.errors.UniqueViolation) as refused, connection.transaction():
        assert change(connection, second, table, changes)
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(("table", "constraint", "changes"), OWNERS)
def test_the_owner_cannot_write_nonsense_either(
    worlds: tuple[Connection, World, World], table: str, constraint: str, changes: str
) -> None:
    connection, _, _ = worlds
    with pytest.raises(psycopg.errors.CheckViolation) as refused, connection.transaction():
        connection.execute(f"UPDATE {table} SET {changes}".encode())  # noqa: S608  the test's own words
    assert refused.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("table", "column"), [("users", "email"), ("users", "username"), ("tenants", "name"), ("organizations", "name")]
)
def test_the_name_of_what_was_deleted_may_be_used_again_and_case_does_not_matter(
    worlds: tuple[Connection, World, World], table: str, column: str
) -> None:
    connection, first, second = worlds
    same: Row = {column: str(first.rows[table][column]).upper()}
    if table == "organizations":
        same["tenant_id"] = first.tenant_id
    with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
        change(connection, second, table, same)
    with connection.transaction(force_rollback=True):
        change(connection, first, table, {"deleted_at": NOW})
        assert change(connection, second, table, same) == 1


def test_a_server_of_all_tenants_has_its_name_alone(worlds: tuple[Connection, World, World]) -> None:
    connection, first, second = worlds
    everybodys: Row = {"tenant_id": None, "name": "everybody's"}
    with connection.transaction(force_rollback=True):
        assert change(connection, first, _SERVERS, everybodys) == 1
        with pytest.raises(psycopg.errors.UniqueViolation):
            change(connection, second, _SERVERS, everybodys)


def test_every_constraint_that_can_refuse_a_row_is_tried_here(shared: TestDatabase) -> None:
    """A new CHECK or UNIQUE needs its line above."""
    built = shared.ask(
        """
        SELECT k.conrelid::regclass::text, k.conname FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid AND NOT c.relispartition JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE k.contype = 'c' AND n.nspname IN ('public', 'gateway', 'maintenance')
        UNION
        SELECT i.indrelid::regclass::text, c.relname FROM pg_index i
          JOIN pg_class c ON c.oid = i.indexrelid AND NOT c.relispartition JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE i.indisunique AND NOT i.indisprimary AND n.nspname IN ('public', 'gateway', 'maintenance')
        """
    )
    tried = {(table, name) for table, name, _ in [*CHECKS, *UNIQUE, *OWNERS]} | ELSEWHERE
    assert set(built) == tried
