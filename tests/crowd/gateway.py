"""The gateway's servers, who may use them, and how they do."""

from typing import Final

from .words import SPREAD, TENANT, at_random, mostly, token_hash, uuid

_SERVER: Final = "'server-' || n / 2"
_EXPIRY: Final = "now() + (n - {rows} / 50) * interval '30 days' / {rows}"
_LAST_USED: Final = "CASE WHEN random() > 0.1 THEN now() - random() * interval '90 days' END"
_LONG_AGO: Final = "now() - interval '90 days'"

_TABLES: Final[dict[str, dict[str, str]]] = {
    "mcp_servers": {
        "id": "'server-' || n",
        # Every fifth is everybody's.
        "tenant_id": f"CASE WHEN n % 5 <> 0 THEN {TENANT} END",
        "name": "'server-' || n",
        "description": "'Reads and writes the tickets of project p' || n % 5000",
        "endpoint_url": "'https://server-' || n || '.example/mcp'",
        "transport_type": mostly("streamable_http", http=300, sse=100, websocket=20),
        "status": mostly("active", inactive=100, maintenance=10),
        "health_status": mostly("HEALTHY", DEGRADED=30, UNHEALTHY=20, UNKNOWN=50),
        "configuration": "jsonb_build_object('region', 'region-' || n % 1000, 'retries', n % 5)",
        "tags": "jsonb_build_array('tag-' || n % 500)",
        "last_health_check": "CASE WHEN random() > 0.05 THEN now() - random() * interval '5 minutes' END",
        "avg_response_time": "CASE WHEN random() > 0.05 THEN 2000 * random() * random() END",
        "success_rate": "100 - 5 * random()",
        "created_by": uuid("n / 20"),
        "created_at": SPREAD,
    },
    "server_tools": {
        "id": "'tool-' || n",
        "server_id": "'server-' || n / 5",
        "name": "'tool-' || n % 5 || '-' || n / 5 % 2000",
        "total_calls": "(n % 10) * " + at_random(1000),
        "success_count": at_random(1000),
        "avg_execution_time": "1000 * random()",
    },
    "server_resources": {
        "server_id": "'server-' || n / 5",
        "uri_template": "'file:///data-' || n % 5 || '-' || n / 5 % 2000 || '/{path}'",
        "mime_type": mostly("text/plain", **{"application/pdf": 5, "image/png": 100}),
    },
    "circuit_breakers": {
        "server_id": _SERVER,
        "service_name": "'mcp-' || n % 2",
        "state": mostly("closed", open=10, half_open=5),
    },
    "connection_pools": {"server_id": _SERVER, "pool_name": "'pool-' || n % 2", "is_healthy": "random() > 0.02"},
    "request_queues": {"server_id": _SERVER, "queue_name": "'queue-' || n % 2", "current_size": at_random(100)},
    "performance_alerts": {
        "server_id": _SERVER,
        "name": "'alert-' || n % 2",
        "metric_name": "CASE n % 2 WHEN 0 THEN 'error_rate' ELSE 'response_time_ms' END",
        "threshold_value": "100",
        "comparison_operator": "'>'",
        "is_triggered": "n % 200 = 0",
        "first_triggered": "now()",
        "last_triggered": "now() - random() * interval '1 day'",
    },
    "sessions": {
        "user_id": uuid("n / 4"),
        "session_token_hash": token_hash(),
        "is_active": "random() > 0.3",
        "last_activity": "now() - random() * interval '30 days'",
        "created_at": _LONG_AGO,
        "expires_at": _EXPIRY,
    },
    "api_keys": {
        "id": "'key-' || n",
        "tenant_id": TENANT,
        "user_id": uuid("n / 3"),
        "name": "'key ' || n",
        "key_hash": token_hash(),
        "key_prefix": "'mk_' || n % 1000",
        "is_active": "random() > 0.1",
        "expires_at": "CASE WHEN n % 3 <> 0 THEN " + _EXPIRY + " END",
        "last_used": _LAST_USED,
        "total_requests": at_random(100000),
        "created_at": _LONG_AGO,
    },
    "enhanced_api_keys": {
        "id": "'key-' || n",
        "tenant_id": TENANT,
        "user_id": uuid("n / 3"),
        "name": "'key ' || n",
        "key_hash": token_hash(),
        "key_prefix": "'mk_' || n % 1000",
        "salt": "'salt'",
        "is_active": "random() > 0.1",
        "expires_at": "CASE WHEN n % 3 <> 0 THEN " + _EXPIRY + " END",
        "created_at": _LONG_AGO,
    },
    "server_access_control": {
        "server_id": "'server-' || n / 40",
        "user_id": "CASE WHEN n % 4 <> 0 THEN " + uuid("n / 3") + " END",
        "tenant_id": f"CASE WHEN n % 4 = 0 THEN {TENANT} END",
    },
    "routing_rules": {
        "tenant_id": TENANT,
        "name": "'rule-' || n",
        "priority": at_random(1000),
        "is_active": "random() > 0.5",
    },
    "system_configs": {
        "tenant_id": TENANT,
        "key": "'key-' || n",
        "value": "'1'",
        "category": "'category-' || " + at_random(50),
    },
}

TABLES: Final = {f"gateway.{table}": columns for table, columns in _TABLES.items()}
