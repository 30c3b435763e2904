"""What happened: lines, events, requests, samples, changes, messages."""

from typing import Final

from .words import SPREAD, TENANT, at_random, mostly, uuid

_INSTANCE: Final = uuid("n % greatest({rows} / 100, 20)")
_USER: Final = uuid("n % greatest({rows} / 100, 10)")
# Version 7, of which the partitions are made: one for each millisecond.
_MESSAGE: Final = f"maintenance.uuid7_floor({SPREAD})"
_ENVELOPE: Final = {"message_id": uuid("n"), "queue": "'logs'", "wire_name": "'logs.emitted.v1'"}

TABLES: Final[dict[str, dict[str, str]]] = {
    "mcp_logs": {
        "id": uuid("n"),
        "mcp_instance_id": _INSTANCE,
        "timestamp": SPREAD,
        "level": mostly("info", error=5, warn=15, debug=200),
        "message": "'Handled request ' || n || ' of word' || n / 1000 % 500",
    },
    "mcp_events": {
        "id": uuid("n"),
        "mcp_instance_id": uuid("n % greatest({rows} / 10, 1)"),
        "user_id": _USER,
        "event_type": mostly("started", created=300, expired=300, error=10),
        "created_at": SPREAD,
    },
    "health_checks": {
        "target_id": _INSTANCE,
        "scheduled_at": SPREAD,
        "checked_at": SPREAD,
        "verdict": mostly("up", timeout=10),
    },
    "audit_log": {
        "id": uuid("n"),
        "table_name": mostly("users", tenants=50, api_keys=200),
        "record_id": "'record-' || n % greatest({rows} / 10, 1)",
        "action": "'UPDATE'",
        "new_data": "'{}'",
        "user_id": _USER,
        "created_at": SPREAD,
    },
    "gateway.server_metrics": {
        "id": uuid("n"),
        "server_id": "'server-' || n % greatest({rows} / 1000, 20)",
        "timestamp": SPREAD,
        "response_time_ms": "2000 * random() * random()",
        "error_rate": "10 * random()",
    },
    "gateway.request_rollups": {
        "unit": "'hour'",
        "starts_at": "date_trunc('hour', now()) - n / 20 * interval '1 hour'",
        "tenant_id": "'tenant-' || n % 20",
        "server_id": "'server-' || n / 3 % 20",
        "entries": "10",
        "errors": "1",
        "succeeded": "9",
        "measured": "10",
        "total_ms": "10000 * random()",
    },
    "gateway.metric_rollups": {
        "unit": "'hour'",
        "starts_at": "date_trunc('hour', now()) - n / 20 * interval '1 hour'",
        "server_id": "'server-' || n % 20",
        "entries": "10",
        "errors": "1",
        "measured": "10",
        "total_ms": "10000 * random()",
        "error_rates": "10",
    },
    "service_usage_rollups": {
        "unit": "'hour'",
        "starts_at": "date_trunc('hour', now()) - n / 20 * interval '1 hour'",
        "service_type": "'service-' || n % 20",
        "entries": "10",
        "errors": "1",
        "measured": "10",
        "total_ms": "10000 * random()",
    },
    "gateway.audit_logs": {
        "id": uuid("n"),
        "tenant_id": TENANT,
        "user_id": _USER,
        "action": "'action-' || " + at_random(20),
        "resource_type": "'type-' || " + at_random(10),
        "resource_id": "'resource-' || " + at_random(1000),
        "success": "random() > 0.02",
        "timestamp": SPREAD,
    },
    "gateway.request_logs": {
        "id": uuid("n"),
        "request_id": "'request-' || n",
        "tenant_id": TENANT,
        "user_id": _USER,
        "ip_address": "'10.0.0.0'::inet + (n % greatest({rows} / 50, 1))::bigint",
        "method": "'POST'",
        "path": "'/mcp/' || " + at_random(500),
        "target_server_id": "'server-' || n / 3 % greatest({rows} / 1000, 20)",
        "request_time": SPREAD,
        "duration_ms": "2000 * random() * random()",
        "status_code": mostly("200", **{"404": 20, "500": 5}) + "::integer",
    },
    "gateway.fastmcp_audit_log": {
        "id": uuid("n"),
        "tenant_id": TENANT,
        "user_id": "'user-' || n % (5 * greatest({rows} / 100, 10))",
        "method": mostly("tools/call", **{"tools/list": 200, "prompts/get": 5}),
        "success": "random() > 0.01",
        "duration_ms": "(2000 * random() * random())::integer",
        "timestamp": SPREAD,
    },
    "inbox": {"message_id": _MESSAGE, "wire_name": "'logs.emitted.v1'"},
    "redeliveries": {**_ENVELOPE, "envelope": "'{}'", "state": "'retry'", "due_at": "now() + n * interval '1 second'"},
    "dead_letters": {
        "message_id": "'message-' || n",
        "queue": "'logs'",
        "wire_name": "'logs.emitted.v1'",
        "reason": mostly("invalid", expired=100, unreadable=5),
        "error": "'e'",
        "payload": "'{}'",
        "host": "'here'",
        "created_at": SPREAD,
    },
    "outbox": {
        **_ENVELOPE,
        "payload": "'{}'",
        "user_id": _USER,
        "due_at": "now() + (n - 100) * interval '1 second'",
    },
}
