"""Everything that the specifications name is there under that name."""

from typing import Final

import pytest

from tests.databases import TestDatabase

DEDICATED: Final = {
    "mcp_instances": "status expires_at access_token port process_id user_status type",
    "mcp_logs": "instance_timestamp timestamp level",
    "mcp_events": "instance",
    "port_allocations": "available mcp",
    "users": "email",
    "api_keys": "user_type",
}
SHARED: Final = {
    "user_service_instances": "user_id service_type active last_used",
    "service_registry": "category available",
    "service_health_status": "healthy last_check",
    "service_usage_analytics": "user_service timestamp service_type",
    "api_key_validation_cache": "expires",
}
AUDIT: Final = {"audit_log": "table_record created_at"}
STYLE: Final = {
    "users": "email role created_at",
    "gateway.mcp_servers": "tenant_id tenant_status active config search",
}
GATEWAY: Final = {
    "gateway.mcp_servers": "tenant_status endpoint_transport health_check_time performance",
    "gateway.server_tools": "name_server usage_stats",
    "gateway.server_resources": "uri_server mime_type",
    "gateway.server_metrics": "server_time performance",
    "users": "tenant_role auth_provider",
    "gateway.sessions": "user_active activity_time",
    "gateway.api_keys": "tenant_active expiration usage",
    "gateway.audit_logs": "tenant_time action_resource user_success",
    "gateway.request_logs": "tenant_time server_performance ip_path",
    "gateway.routing_rules": "tenant_active",
    "gateway.system_configs": "category_tenant",
}
# Names that do not begin with their table's.
OTHERS: Final = {
    "idx_fastmcp_audit_user_time": "gateway.fastmcp_audit_log",
    "idx_fastmcp_audit_method_success": "gateway.fastmcp_audit_log",
    "idx_fastmcp_audit_tenant_performance": "gateway.fastmcp_audit_log",
    "idx_servers_discovery_composite": "gateway.mcp_servers",
    "idx_tools_discovery_performance": "gateway.server_tools",
    "idx_request_routing_composite": "gateway.request_logs",
    "idx_security_access_composite": "gateway.audit_logs",
    "idx_tenant_utilization_composite": "gateway.request_logs",
}
# The specification counts 38 and names 33; these are of the five tables that would have had none.
FIVE_MORE: Final = {
    "idx_circuit_breakers_server_state": "gateway.circuit_breakers",
    "idx_connection_pools_server_health": "gateway.connection_pools",
    "idx_request_queues_server_accepting": "gateway.request_queues",
    "idx_server_access_control_lookup": "gateway.server_access_control",
    "idx_performance_alerts_active_triggered": "gateway.performance_alerts",
}
UNIQUE: Final = {"unique_active_server": "gateway.mcp_servers"}

PARTITIONED: Final = {
    "audit_log": (365, "detach_archive"),
    "gateway.audit_logs": (365, "detach_archive"),
    "gateway.fastmcp_audit_log": (90, "detach_archive"),
    "gateway.request_logs": (90, "detach_drop"),
    "gateway.server_metrics": (30, "detach_drop"),
    "health_checks": (90, "detach_drop"),
    "health_hours": (400, "detach_drop"),
    "inbox": (35, "detach_drop"),
    "mcp_events": (365, "detach_drop"),
    "mcp_logs": (30, "detach_drop"),
    "service_usage_analytics": (183, "detach_drop"),
}
VIEWS: Final = (
    "database_size_summary",
    "index_usage_summary",
    "performance_monitoring",
    "service_health_dashboard",
    "table_health_summary",
    "user_services_summary",
)
FUNCTIONS: Final = (
    "get_server_health_summary()",
    "get_request_performance_summary(integer)",
    "get_tenant_usage_summary(text,integer)",
    "cleanup_old_usage_analytics(integer)",
    "cleanup_validation_cache(integer)",
)


def _indexes(*groups: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (f"idx_{table.rpartition('.')[2]}_{suffix}", table)
        for group in groups
        for table, suffixes in group.items()
        for suffix in suffixes.split()
    ]


NAMED: Final = sorted(
    {
        *_indexes(DEDICATED, SHARED, AUDIT, STYLE, GATEWAY),
        *OTHERS.items(),
        *FIVE_MORE.items(),
        *UNIQUE.items(),
    }
)


@pytest.mark.parametrize(("index", "table"), NAMED)
def test_an_index_has_the_name_of_the_specification(shared: TestDatabase, index: str, table: str) -> None:
    valid = shared.ask(
        "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE i.indrelid = %s::regclass AND c.relname = %s",
        table,
        index,
    )
    assert valid == [(True,)]


def test_the_gateway_has_its_thirty_eight() -> None:
    assert len(_indexes(GATEWAY)) + len(OTHERS) + len(FIVE_MORE) == 38


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_runs_with_the_rights_of_its_caller(shared: TestDatabase, view: str) -> None:
    options = shared.value("SELECT reloptions::text FROM pg_class WHERE oid = %s::regclass", view)
    assert options == "{security_invoker=true}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_with_the_rights_of_its_caller(shared: TestDatabase, function: str) -> None:
    assert shared.value("SELECT NOT prosecdef FROM pg_proc WHERE oid = %s::regprocedure", function)


def test_every_partitioned_table_has_a_policy_and_partitions_ahead(shared: TestDatabase) -> None:
    built = shared.ask(
        """
        SELECT p.partrelid::regclass::text, d.retention_days, d.strategy
          FROM pg_partitioned_table p
          JOIN pg_class c ON c.oid = p.partrelid
          LEFT JOIN maintenance.data_retention_policies d
            ON d.table_name = c.relname AND d.schema_name = c.relnamespace::regnamespace::text
        """
    )
    assert {table: (days, strategy) for table, days, strategy in built} == PARTITIONED
    late = shared.ask(
        "SELECT table_name FROM maintenance.partition_health WHERE horizon < interval '60 days' OR gaps > 0"
    )
    assert late == []


def test_no_partition_takes_whatever_comes(shared: TestDatabase) -> None:
    assert shared.ask("SELECT partrelid::regclass FROM pg_partitioned_table WHERE partdefid <> 0") == []


def test_the_first_services_and_their_types_belong_together(shared: TestDatabase) -> None:
    pairs = shared.ask(
        "SELECT t.name, r.port, h.is_healthy FROM mcp_types t JOIN service_registry r USING (service_type)"
        " JOIN service_health_status h USING (service_type) WHERE t.name IN ('figma', 'github', 'gmail') ORDER BY 1"
    )
    assert pairs == [("figma", 49160, True), ("github", 49294, True), ("gmail", 49250, True)]
