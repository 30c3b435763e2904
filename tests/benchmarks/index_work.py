"""What each index of the specifications is for: a question that it should answer.

The keys in the questions are those of the crowd; ``tests.crowd`` says what the rows hold.
"""

from typing import Final

from tests.crowd import token_hash, uuid

WORDS: Final = {
    "id": uuid(77),
    "next_id": uuid(78),
    "user_of_server": uuid(1029),
    "token_hash": token_hash(77),
    "user": f"user_id = '{uuid(77)}'",
    "tenant": "tenant_id = 'tenant-77'",
    "server": "server_id = 'server-77'",
    "newest": "ORDER BY timestamp DESC LIMIT 100",
    "live": "deleted_at IS NULL",
}
"""What the questions share, in braces."""

WORK: Final[dict[str, dict[str, str]]] = {
    "users": {
        "idx_users_email": "SELECT id FROM users WHERE lower(email) = 'user-77@example.org' AND {live}",
        "idx_users_role": "SELECT count(*) FROM users WHERE role = 'admin'",
        "idx_users_created_at": "SELECT id FROM users ORDER BY created_at DESC LIMIT 100",
        "idx_users_tenant_role": "SELECT count(*) FROM users WHERE {tenant} AND role = 'viewer' AND is_active",
        "idx_users_auth_provider": "SELECT id FROM users WHERE auth_provider = 'github'"
        " AND auth_provider_id = 'github-76' AND {live}",
    },
    "mcp_instances": {
        "idx_mcp_instances_status": "SELECT id FROM mcp_instances WHERE status = 'pending' AND {live}",
        "idx_mcp_instances_expires_at": "SELECT count(*) FROM mcp_instances"
        " WHERE expires_at > now() + interval '50 minutes' AND {live}",
        "idx_mcp_instances_access_token": "SELECT id FROM mcp_instances"
        " WHERE access_token_hash = '{token_hash}' AND {live}",
        "idx_mcp_instances_port": "SELECT id FROM mcp_instances WHERE assigned_port = 3555 AND {live}",
        "idx_mcp_instances_process_id": "SELECT id FROM mcp_instances WHERE process_id = 1050 AND {live}",
        "idx_mcp_instances_user_status": "SELECT id FROM mcp_instances"
        " WHERE {user} AND status IN ('pending', 'running') AND {live}",
        "idx_mcp_instances_type": "SELECT count(*) FROM mcp_instances WHERE mcp_type_id = '{id}' AND {live}",
    },
    "mcp_logs": {
        "idx_mcp_logs_instance_timestamp": "SELECT id, message FROM mcp_logs WHERE mcp_instance_id = '{id}' {newest}",
        "idx_mcp_logs_timestamp": "SELECT id, message FROM mcp_logs {newest}",
        "idx_mcp_logs_level": "SELECT id, message FROM mcp_logs WHERE level = 'error'",
    },
    "mcp_events": {
        "idx_mcp_events_instance": "SELECT id FROM mcp_events"
        " WHERE mcp_instance_id = '{id}' ORDER BY created_at DESC LIMIT 100",
    },
    "port_allocations": {
        "idx_port_allocations_available": "SELECT port FROM port_allocations"
        " WHERE is_available = true ORDER BY port LIMIT 1",
        "idx_port_allocations_mcp": "SELECT port FROM port_allocations WHERE mcp_instance_id = '{id}'",
    },
    "api_keys": {
        "idx_api_keys_user_type": "SELECT id FROM api_keys WHERE {user} AND mcp_type_id = '{next_id}' AND is_active",
    },
    "user_service_instances": {
        "idx_user_service_instances_user_id": "SELECT instance_id FROM user_service_instances WHERE {user}",
        "idx_user_service_instances_service_type": "SELECT count(*) FROM user_service_instances"
        " WHERE service_type = 'service-77'",
        "idx_user_service_instances_active": "SELECT count(*) FROM user_service_instances WHERE is_active = false",
        "idx_user_service_instances_last_used": "SELECT instance_id FROM user_service_instances"
        " WHERE last_used_at IS NOT NULL ORDER BY last_used_at LIMIT 100",
    },
    "service_registry": {
        "idx_service_registry_category": "SELECT service_type FROM service_registry WHERE category = 'category-7'",
        "idx_service_registry_available": "SELECT service_type FROM service_registry WHERE is_available = false",
    },
    "service_health_status": {
        "idx_service_health_status_healthy": "SELECT service_type FROM service_health_status WHERE is_healthy = false",
        "idx_service_health_status_last_check": "SELECT service_type FROM service_health_status"
        " ORDER BY last_health_check LIMIT 100",
    },
    "service_usage_analytics": {
        "idx_service_usage_analytics_user_service": "SELECT count(*), avg(response_time_ms)"
        " FROM service_usage_analytics WHERE {user} AND service_type = 'service-77'",
        "idx_service_usage_analytics_timestamp": "SELECT service_type, count(*), avg(response_time_ms)"
        " FROM service_usage_analytics WHERE timestamp > now() - interval '24 hours' GROUP BY service_type",
        "idx_service_usage_analytics_service_type": "SELECT count(*), avg(response_time_ms)"
        " FROM service_usage_analytics WHERE service_type = 'service-77'",
    },
    "api_key_validation_cache": {
        "idx_api_key_validation_cache_expires": "SELECT ctid FROM api_key_validation_cache"
        " WHERE expires_at < now() ORDER BY expires_at LIMIT 5000",
    },
    "audit_log": {
        "idx_audit_log_table_record": "SELECT id FROM audit_log"
        " WHERE table_name = 'users' AND record_id = 'record-77' ORDER BY created_at DESC",
        "idx_audit_log_created_at": "SELECT id FROM audit_log ORDER BY created_at DESC LIMIT 100",
    },
    "gateway.mcp_servers": {
        "idx_mcp_servers_tenant_id": "SELECT id FROM gateway.mcp_servers WHERE {tenant}",
        "idx_mcp_servers_tenant_status": "SELECT id FROM gateway.mcp_servers"
        " WHERE {tenant} AND health_status = 'DEGRADED'",
        "idx_mcp_servers_active": "SELECT id FROM gateway.mcp_servers WHERE {tenant} AND status = 'active'",
        "idx_mcp_servers_config": "SELECT id FROM gateway.mcp_servers"
        """ WHERE configuration @> '{{"region": "region-77"}}'""",
        "idx_mcp_servers_search": "SELECT id FROM gateway.mcp_servers WHERE to_tsvector('english', name || ' ' ||"
        " coalesce(description, '')) @@ websearch_to_tsquery('english', 'ticket p77')",
        "idx_mcp_servers_endpoint_transport": "SELECT id FROM gateway.mcp_servers"
        " WHERE endpoint_url = 'https://server-77.example/mcp' AND transport_type = 'http'",
        "idx_mcp_servers_health_check_time": "SELECT id FROM gateway.mcp_servers"
        " WHERE last_health_check IS NOT NULL ORDER BY last_health_check LIMIT 500",
        "idx_mcp_servers_performance": "SELECT id FROM gateway.mcp_servers WHERE avg_response_time > 1990",
        "idx_servers_discovery_composite": "SELECT id FROM gateway.mcp_servers WHERE health_status = 'HEALTHY'"
        " AND transport_type = 'http' ORDER BY avg_response_time LIMIT 20",
        "unique_active_server": "SELECT id FROM gateway.mcp_servers"
        " WHERE {tenant} AND endpoint_url = 'https://server-77.example/mcp' AND status = 'active' AND {live}",
    },
    "gateway.server_tools": {
        "idx_server_tools_name_server": "SELECT server_id FROM gateway.server_tools WHERE name = 'tool-3-77'",
        "idx_server_tools_usage_stats": "SELECT id FROM gateway.server_tools WHERE total_calls > 0"
        " ORDER BY total_calls DESC, success_count DESC LIMIT 20",
        "idx_tools_discovery_performance": "SELECT server_id FROM gateway.server_tools"
        " WHERE name = 'tool-3-77' AND total_calls > 0 ORDER BY success_count DESC, avg_execution_time DESC LIMIT 20",
    },
    "gateway.server_resources": {
        "idx_server_resources_uri_server": "SELECT server_id FROM gateway.server_resources"
        " WHERE uri_template = 'file:///data-3-77/{{path}}'",
        "idx_server_resources_mime_type": "SELECT count(*) FROM gateway.server_resources"
        " WHERE mime_type = 'application/pdf'",
    },
    "gateway.server_metrics": {
        "idx_server_metrics_server_time": "SELECT id FROM gateway.server_metrics WHERE {server} {newest}",
        "idx_server_metrics_performance": "SELECT server_id FROM gateway.server_metrics"
        " WHERE response_time_ms > 1990 AND error_rate > 5",
    },
    "gateway.sessions": {
        "idx_sessions_user_active": "SELECT id FROM gateway.sessions"
        " WHERE {user} AND is_active = true AND expires_at > now()",
        "idx_sessions_activity_time": "SELECT id FROM gateway.sessions"
        " WHERE is_active = true ORDER BY last_activity DESC LIMIT 100",
    },
    "gateway.api_keys": {
        "idx_api_keys_tenant_active": "SELECT id FROM gateway.api_keys WHERE {tenant} AND is_active = true",
        "idx_api_keys_expiration": "SELECT id FROM gateway.api_keys WHERE is_active = true AND expires_at IS NOT NULL"
        " ORDER BY expires_at LIMIT 100",
        "idx_api_keys_usage": "SELECT id FROM gateway.api_keys WHERE is_active = true AND last_used IS NOT NULL"
        " AND last_used < now() - interval '1 day' ORDER BY last_used DESC LIMIT 100",
    },
    "gateway.audit_logs": {
        "idx_audit_logs_tenant_time": "SELECT id FROM gateway.audit_logs WHERE {tenant} {newest}",
        "idx_audit_logs_action_resource": "SELECT id FROM gateway.audit_logs WHERE action = 'action-7'"
        " AND resource_type = 'type-7' AND resource_id = 'resource-77'",
        "idx_audit_logs_user_success": "SELECT id FROM gateway.audit_logs WHERE {user} AND success = false {newest}",
        "idx_security_access_composite": "SELECT id FROM gateway.audit_logs WHERE {user} AND action = 'action-7'"
        " AND resource_type = 'type-7' AND success = true {newest}",
    },
    "gateway.request_logs": {
        "idx_request_logs_tenant_time": "SELECT id FROM gateway.request_logs"
        " WHERE {tenant} ORDER BY request_time DESC LIMIT 100",
        "idx_request_logs_server_performance": "SELECT id FROM gateway.request_logs"
        " WHERE target_server_id = 'server-77' AND duration_ms IS NOT NULL ORDER BY duration_ms DESC LIMIT 20",
        "idx_request_logs_ip_path": "SELECT id FROM gateway.request_logs"
        " WHERE ip_address = '10.0.0.77' AND path = '/mcp/7'",
        "idx_request_routing_composite": "SELECT target_server_id, avg(duration_ms) FROM gateway.request_logs"
        " WHERE path = '/mcp/77' AND method = 'POST' AND status_code < 400 GROUP BY target_server_id",
        "idx_tenant_utilization_composite": "SELECT (request_time AT TIME ZONE 'UTC')::date, count(*)"
        " FROM gateway.request_logs WHERE {tenant}"
        " AND (request_time AT TIME ZONE 'UTC')::date >= (now() - interval '7 days')::date GROUP BY 1",
    },
    "gateway.fastmcp_audit_log": {
        "idx_fastmcp_audit_user_time": "SELECT id FROM gateway.fastmcp_audit_log WHERE user_id = 'user-77' {newest}",
        "idx_fastmcp_audit_method_success": "SELECT id FROM gateway.fastmcp_audit_log"
        " WHERE method = 'tools/call' AND success = false {newest}",
        "idx_fastmcp_audit_tenant_performance": "SELECT id FROM gateway.fastmcp_audit_log"
        " WHERE {tenant} ORDER BY duration_ms DESC LIMIT 20",
    },
    "gateway.routing_rules": {
        "idx_routing_rules_tenant_active": "SELECT id FROM gateway.routing_rules"
        " WHERE {tenant} AND is_active = true ORDER BY priority",
    },
    "gateway.system_configs": {
        "idx_system_configs_category_tenant": "SELECT key FROM gateway.system_configs"
        " WHERE category = 'category-7' AND {tenant}",
    },
    "gateway.circuit_breakers": {
        "idx_circuit_breakers_server_state": "SELECT id FROM gateway.circuit_breakers"
        " WHERE {server} AND state = 'closed' ORDER BY last_state_change",
    },
    "gateway.connection_pools": {
        "idx_connection_pools_server_health": "SELECT id FROM gateway.connection_pools"
        " WHERE {server} AND is_healthy = true ORDER BY active_connections",
    },
    "gateway.request_queues": {
        "idx_request_queues_server_accepting": "SELECT id FROM gateway.request_queues"
        " WHERE {server} AND is_accepting_requests = true ORDER BY current_size",
    },
    "gateway.server_access_control": {
        "idx_server_access_control_lookup": "SELECT id FROM gateway.server_access_control"
        " WHERE {server} AND user_id = '{user_of_server}'",
    },
    "gateway.performance_alerts": {
        "idx_performance_alerts_active_triggered": "SELECT id FROM gateway.performance_alerts"
        " WHERE {server} AND metric_name = 'error_rate' AND is_active ORDER BY last_triggered DESC",
    },
}
