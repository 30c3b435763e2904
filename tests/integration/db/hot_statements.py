"""The statements that run per message, tick, request or page, and the indexes that each lives on."""

import json
from datetime import timedelta
from typing import Final
from uuid import UUID

from producers.message_id import new
from tests.crowd import token_hash, uuid

from .hot_health import HEALTH
from .hot_keys import KEYS
from .hot_records import RECORDS
from .plans import BOUNDS, NOW, PAGE, WINDOW, Hot

_USER: Final = {"user_id": uuid(7)}
_INSTANCE: Final = {"instance_id": uuid(50)}
_BY: Final = {"ip_address": "10.0.0.1", "user_agent": "a browser"}
_MOVED: Final = {**_INSTANCE, "at": NOW, "details": "{}", **_BY}
_TENANT: Final = {"tenant_id": "tenant-3"}
_SERVER: Final = {"server_id": "server-7"}
_START: Final = {"after": UUID(int=0), "limit": 100}
_SOON: Final = NOW + timedelta(hours=1)
_LONG_AGO: Final = NOW - timedelta(minutes=4, seconds=50)
_USES: Final = json.dumps([{"id": str(new()), "instance_id": "share-7", "timestamp": NOW.isoformat()}])
_WORDS: Final = {"levels": None, "words": "word7", "traces": ["%word7%"], "lines": 500}

_MESSAGES: Final = (
    Hot("inbox.forget", "pk_inbox", {"message_id": new()}),
    Hot("locks.users", "pk_users", {"ids": [uuid(1), uuid(2)]}),
    Hot("locks.instances", "pk_mcp_instances", {"ids": [uuid(50), uuid(51)]}),
    Hot("redeliveries.attempts", "pk_redeliveries", {"message_id": uuid(1)}),
    Hot("redeliveries.settle", "pk_redeliveries", {"message_id": uuid(1)}),
    Hot(
        "redeliveries.due",
        "idx_redeliveries_due idx_redeliveries_parked pk_redeliveries",
        {"wire_names": ["a.b.v1"], "limit": 50, "lease_seconds": 60.0},
    ),
    Hot("dead_letters.get", "pk_dead_letters", {"letter_id": uuid(1)}),
    Hot("dead_letters.mark_replayed", "pk_dead_letters", {"letter_id": uuid(1)}),
    Hot("dead_letters.discard", "pk_dead_letters", {"letter_id": uuid(1)}),
    Hot(
        "dead_letters.list",
        "idx_dead_letters_created_at",
        {"reason": None, "before_id": None, "before_at": None, "limit": 50},
    ),
    Hot(
        "dead_letters.between",
        "idx_dead_letters_created_at",
        {"since": NOW - timedelta(hours=1), "until": NOW, "after_id": None, "limit": 50},
    ),
    Hot("outbox.queues", "idx_outbox_queue_due"),
    Hot(
        "outbox.take",
        "idx_outbox_queue_due pk_outbox pk_inbox uq_dead_letters_message_id pk_redeliveries",
        {"queue": "logs", "limit": 500},
    ),
    Hot("outbox.put_off", "pk_outbox", {"ids": [uuid(1), uuid(2)], "are_sent": [True, False]}),
    Hot("outbox.lag", "idx_outbox_queue_due"),
    Hot("outbox.get", "pk_outbox", {"message_id": uuid(1)}),
    Hot("settings.get", "", {"key": "port.range_start"}),
)
_TICKS: Final = (
    Hot("expiries.sessions", "idx_sessions_expires_at pk_sessions", {"limit": 50}),
    Hot("expiries.keys", "idx_api_keys_expires_at pk_api_keys", {"limit": 50}),
    Hot("expiries.gateway_keys", "idx_api_keys_expiration pk_api_keys", {"limit": 50}),
    Hot("expiries.enhanced_keys", "idx_enhanced_api_keys_expires_at pk_enhanced_api_keys", {"limit": 50}),
)
_INSTANCES: Final = (
    Hot(
        "instances.create",
        "idx_port_allocations_lease",
        {
            "instance_ids": [uuid(1_000_000), uuid(1_000_001)],
            "user_ids": [uuid(7), uuid(8)],
            "mcp_types": ["figma", "figma"],
            "minutes": [5, None],
            "names": [None, None],
            "host_ids": ["host-3", "host-4"],
            "configs": ["{}", "{}"],
            "token_hashes": ["f" * 64, "e" * 64],
            "token_hints": [None, None],
            "ats": [NOW, NOW],
            "ip_addresses": ["10.0.0.1", None],
            "user_agents": ["a browser", None],
        },
    ),
    Hot(
        "instances.start",
        "pk_mcp_instances",
        {**_MOVED, "host_id": "host-0", "process_id": 1, "process_started_at": NOW},
    ),
    Hot("instances.renew", "pk_mcp_instances", {**_MOVED, "duration_minutes": 5}),
    Hot("instances.fail", "pk_mcp_instances idx_port_allocations_mcp", {**_MOVED, "error": "e"}),
    Hot("instances.disconnect", "pk_mcp_instances idx_port_allocations_mcp", _MOVED),
    Hot("instances.delete", "pk_mcp_instances idx_port_allocations_mcp", _MOVED),
    Hot(
        "instances.restore",
        "pk_mcp_instances idx_port_allocations_lease",
        {"instance_id": uuid(101), "duration_minutes": None, "at": NOW, **_BY},
    ),
    Hot(
        "instances.move_port",
        "pk_mcp_instances idx_port_allocations_mcp idx_port_allocations_lease",
        {"instance_id": uuid(5000), "error": "e", "at": NOW},
    ),
    Hot("instances.access", "pk_mcp_instances", {"ids": [uuid(1), uuid(2)], "ats": [NOW, NOW]}),
    Hot("instances.report_stats", "pk_mcp_instances", {"ids": [uuid(1)], "ats": [NOW], "stats": ["{}"]}),
    Hot("instances.expire_due", "idx_mcp_instances_expiry_due idx_port_allocations_mcp", {"limit": 50}),
    Hot("instances.give_up_due", "idx_mcp_instances_pending idx_port_allocations_mcp", {"limit": 50}),
    Hot("fleet.overview", "pk_mcp_instances", {"instance_ids": [uuid(1)], "limit": 10}),
    Hot("fleet.active_of", "idx_mcp_instances_user_status", _USER),
    Hot("fleet.find_by_token", "idx_mcp_instances_access_token", {"token_hash": token_hash(7)}),
    Hot("fleet.running", "idx_mcp_instances_process_id", _START),
    Hot("fleet.on_port", "idx_mcp_instances_live_port", {"host_id": "host-3", "port": 3051}),
    Hot("fleet.of_process", "idx_mcp_instances_process_id", {"host_id": "host-3", "process_id": 1050}),
    Hot("known.hold", "pk_mcp_instances", {"ids": [uuid(1), uuid(2)]}),
    Hot("known.hold_alone", "pk_mcp_instances", {"ids": [uuid(1), uuid(2)]}),
    Hot("ports.counts", "pk_port_allocations", {"host_id": "host-3"}),
    Hot("ports.held_by", "idx_port_allocations_mcp", _INSTANCE),
    Hot("events.of_instance", "idx_mcp_events_instance", {**_INSTANCE, **PAGE}, "mcp_events"),
    Hot("events.of_user", "idx_mcp_events_user_id", {**_USER, **PAGE}, "mcp_events"),
    Hot("logs.look", "idx_mcp_logs_instance_timestamp", {"instance_id": uuid(7), **_WORDS, **PAGE}, "mcp_logs"),
    Hot(
        "logs.troubles_of",
        "idx_mcp_instances_user_status idx_mcp_logs_instance_timestamp",
        {**_USER, **PAGE},
        "mcp_logs",
    ),
    Hot(
        "logs.arrived",
        "idx_mcp_logs_instance_timestamp",
        {"instance_id": uuid(7), **WINDOW.values_from(None), "horizon": "3", "seen": [1, 2], **_WORDS},
        "mcp_logs",
    ),
    Hot("logs.newest", "idx_mcp_logs_instance_timestamp", {"instance_ids": [uuid(7)], **BOUNDS}),
    Hot(
        "logs.levels",
        "idx_mcp_logs_instance_timestamp",
        {"instance_ids": [uuid(3)], "since": NOW - timedelta(hours=1)},
    ),
    Hot("instances.reconnect", "pk_mcp_instances pk_port_allocations", {"instance_id": uuid(101), "at": NOW}),
)
_PEOPLE: Final = (
    Hot("users.get", "pk_users", _USER),
    Hot("users.find_by_email", "idx_users_email", {"email": "User-7@example.org"}),
    Hot("users.find_by_provider", "idx_users_auth_provider", {"provider": "github", "provider_id": "github-8"}),
    Hot("users.of_tenant", "idx_users_tenant_role", {**_TENANT, "role": "manager", **_START}),
    Hot("users.newest", "idx_users_created_at", {"before_at": NOW, "before_id": uuid(0), "limit": 50}),
    Hot("tenants.get", "pk_tenants", _TENANT),
    Hot("tenants.find", "idx_tenants_name", {"name": "tenant 7"}),
    Hot("tenants.organizations_of", "pk_users_organizations pk_organizations", _USER),
    Hot("tenants.members", "idx_users_organizations_organization_id", {"organization_id": "organization-7", **_START}),
)
_SERVICES: Final = (
    Hot("services.of_user", "pk_service_registry pk_service_health_status", _USER),
    Hot("services.find_share", "pk_user_service_instances", {"instance_id": "share-7"}),
    Hot("shares.hold", "pk_user_service_instances", {"ids": ["share-7", "share-8"]}),
    Hot("shares.deprovision", "pk_user_service_instances", {"instance_id": "share-7", "at": NOW, "reason": None}),
    Hot("usage.record", "pk_user_service_instances", {"uses": _USES, "share_ids": ["share-7"]}),
    Hot("services.check_due", "idx_service_health_status_last_check", {"before": NOW, "limit": 20}),
    Hot("usage.by_service", "idx_service_usage_analytics_timestamp", {"since": NOW - timedelta(days=1), "until": NOW}),
    Hot(
        "usage.of_user",
        "idx_service_usage_analytics_user_service",
        {**_USER, **BOUNDS},
        "service_usage_analytics",
    ),
    Hot(
        "usage.days",
        "idx_service_usage_analytics_user_service",
        {**_USER, "service_type": "service-3", **BOUNDS},
        "service_usage_analytics",
    ),
    Hot(
        "usage.page",
        "idx_service_usage_analytics_user_service",
        {**_USER, "service_type": "service-3", **PAGE},
        "service_usage_analytics",
    ),
)
_GATEWAY: Final = (
    Hot("sessions.find", "uq_sessions_session_token_hash pk_users", {"token_hash": token_hash(7)}),
    Hot("sessions.of_user", "idx_sessions_user_active", _USER),
    Hot("sessions.latest", "idx_sessions_activity_time", {"before": NOW, "before_id": "", "limit": 50}),
    Hot("sessions.over", "idx_sessions_expires_at", {"limit": 50}),
    Hot("access.find_key", "uq_api_keys_key_hash", {"key_hash": token_hash(7)}),
    Hot("access.find_bound_key", "uq_enhanced_api_keys_key_hash", {"key_hash": token_hash(7)}),
    Hot("access.keys_of", "idx_api_keys_tenant_active", {**_TENANT, "after": "", "limit": 50}),
    Hot("access.keys_of_user", "idx_api_keys_user_id", _USER),
    Hot("access.keys_expiring", "idx_api_keys_expiration", {"before": _SOON, "limit": 50}),
    Hot("access.keys_used_last", "idx_api_keys_usage", {"before": NOW, "before_id": "", "limit": 50}),
    Hot("access.rights", "idx_server_access_control_lookup", {**_SERVER, **_USER, **_TENANT, "key_id": None}),
    Hot("gateway.rules", "idx_routing_rules_tenant_active", _TENANT),
    Hot("gateway.setting", "idx_system_configs_key", {**_TENANT, "key": "key-23"}),
    Hot("gateway.settings_in", "idx_system_configs_category_tenant", {**_TENANT, "category": "category-3"}),
    Hot("servers.get", "pk_mcp_servers", _SERVER),
    Hot(
        "servers.at",
        "idx_mcp_servers_endpoint_transport",
        {"endpoint_url": "https://server-7.example/mcp", "transport_type": "http"},
    ),
    Hot("servers.of_tenant", "idx_mcp_servers_tenant_id_name", {**_TENANT, "after": "server-5", "limit": 50}),
    Hot("servers.routable", "idx_mcp_servers_active", {**_TENANT, "limit": 50}),
    Hot("servers.search", "idx_mcp_servers_search", {**_TENANT, "words": "project p123", "limit": 20}),
    Hot("servers.tagged", "", {**_TENANT, "tags": '["tag-3"]', "after": "", "limit": 20}),
    Hot(
        "servers.configured",
        "idx_mcp_servers_config",
        {"configuration": '{"region": "region-3"}', "after_name": "", "after_id": "", "limit": 20},
    ),
    Hot(
        "servers.discover",
        "idx_servers_discovery_composite",
        {"transport_type": "http", "health_status": "HEALTHY", "limit": 20},
    ),
    Hot("servers.slow", "idx_mcp_servers_performance", {"above_ms": 1900.0, "limit": 20}),
    Hot("servers.check_due", "idx_mcp_servers_health_check_time", {"before": _LONG_AGO, "limit": 100}),
    Hot(
        "servers.describe",
        "pk_mcp_servers",
        {**_SERVER, "said_at": NOW, "version": "2.0.0", "capabilities": '{"tools": {}}'},
    ),
    Hot("metrics.hold_servers", "pk_mcp_servers", {"ids": ["server-7", "server-8"]}),
    Hot("tools.of_server", "uq_server_tools_server_id", _SERVER),
    Hot("tools.offering", "idx_server_tools_name_server", {"name": "tool-3-7", "limit": 50}),
    Hot("tools.proven", "idx_tools_discovery_performance", {"name": "tool-3-7", "limit": 20}),
    Hot("tools.busiest", "idx_server_tools_usage_stats", {"limit": 20}),
    Hot("tools.resources_of", "uq_server_resources_server_id", _SERVER),
    Hot("tools.serving", "idx_server_resources_uri_server", {"uri_template": "file:///data-3-7/{path}", "limit": 50}),
    Hot(
        "tools.of_kind",
        "idx_server_resources_mime_type",
        {"mime_type": "application/pdf", "after_server": "", "after_uri": "", "limit": 50},
    ),
    Hot("operation.breakers", "idx_circuit_breakers_server_state", _SERVER),
    Hot("operation.healthy_pools", "idx_connection_pools_server_health", _SERVER),
    Hot("operation.open_queues", "idx_request_queues_server_accepting", _SERVER),
    Hot("operation.alerts", "idx_performance_alerts_active_triggered", {**_SERVER, "metric_name": "error_rate"}),
    Hot(
        "operation.open_alerts",
        "idx_performance_alerts_active_triggered|idx_performance_alerts_name",
        {**_TENANT, "limit": 100},
    ),
    Hot("operation.samples", "idx_server_metrics_server_time", {**_SERVER, **BOUNDS, "limit": 100}, "server_metrics"),
    Hot(
        "operation.worst",
        "idx_server_metrics_performance",
        {"above_ms": 1950.0, **BOUNDS, "limit": 20},
        "server_metrics",
    ),
)

HOT: Final = (*_MESSAGES, *_TICKS, *_INSTANCES, *HEALTH, *KEYS, *_PEOPLE, *_SERVICES, *_GATEWAY, *RECORDS)
