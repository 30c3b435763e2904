"""Users, their instances and shared services."""

from typing import Final

from .words import SPREAD, TENANT, at_random, mostly, token_hash, uuid

_USER: Final = uuid("n / 5")
_SERVICE: Final = "'service-' || n % 5 + 5 * (n / 5 % 80)"
_MASTER_KEY: Final = "CASE n % 1000 WHEN 0 THEN 'old' ELSE 'new' END"
_HOST: Final = "'host-' || n / 1000"
_PORT: Final = "3001 + n % 1000"
# One instance in fifty is alive.
_IS_LIVE: Final = "n % 50 = 0"

TABLES: Final[dict[str, dict[str, str]]] = {
    "tenants": {"id": "'tenant-' || n", "name": "'Tenant ' || n"},
    "users": {
        "id": uuid("n"),
        "email": "'user-' || n || '@example.org'",
        "name": "'User ' || n",
        "username": "'user-' || n",
        "tenant_id": TENANT,
        "role": f"({mostly('viewer', admin=5, manager=20, developer=200, analyst=50, guest=100)})::user_role",
        "is_active": "n % 20 <> 13",
        "auth_provider": "CASE n % 4 WHEN 0 THEN 'github' END",
        "auth_provider_id": "CASE n % 4 WHEN 0 THEN 'github-' || n END",
        "created_at": "now() - ({rows} - n) * interval '1 year' / {rows}",
        "deleted_at": "CASE n % 50 WHEN 49 THEN now() END",
    },
    "organizations": {"id": "'organization-' || n", "tenant_id": TENANT, "name": "'Organization ' || n"},
    "users_organizations": {
        "user_id": uuid("n"),
        "organization_id": "'organization-' || n / 10",
        "role": "'developer'",
    },
    "mcp_types": {
        "id": uuid("n"),
        "name": "'type-' || n",
        "display_name": "'Type ' || n",
        "server_script": "'type.js'",
    },
    "api_keys": {
        "id": uuid("n"),
        "user_id": _USER,
        "mcp_type_id": uuid("n % 5 + 5 * (n / 5 % 40)"),
        "encrypted_key": "'sealed'",
        "encryption_iv": "'iv'",
        "encrypted_dek": "'dek'",
        "encryption_key_id": _MASTER_KEY,
        "is_active": "random() > 0.1",
    },
    "mcp_instances": {
        "id": uuid("n"),
        "user_id": uuid("n % greatest({rows} / 10, 1)"),
        "mcp_type_id": uuid("n / 7 % 200"),
        "api_key_id": uuid("n"),
        "host_id": _HOST,
        "process_id": f"CASE WHEN {_IS_LIVE} THEN 1000 + n % 60000 END",
        "access_token_hash": token_hash(),
        "access_url": "'http://localhost'",
        "assigned_port": _PORT,
        "status": f"CASE WHEN n % 5000 = 0 THEN 'pending' WHEN {_IS_LIVE} THEN 'running'"
        f" ELSE {mostly('expired', disconnected=200, error=50)} END",
        "expires_at": f"CASE WHEN {_IS_LIVE} THEN now() + (n % 3600 - 30) * interval '1 second'"
        " ELSE now() - interval '1 hour' - random() * interval '60 days' END",
        "created_at": "now() - interval '2 hours' - random() * interval '60 days'",
        "pending_since": "now() - random() * interval '1 hour'",
        "deleted_at": "CASE n % 10 WHEN 9 THEN now() END",
    },
    "port_allocations": {
        "host_id": _HOST,
        "port": _PORT,
        "mcp_instance_id": "CASE WHEN n % 100 <> 1 THEN " + uuid("n") + " END",
        "is_available": "n % 100 = 1",
        "released_at": "now() - random() * interval '1 day'",
    },
    "health_targets": {
        "id": uuid("n"),
        "kind": "'instance'",
        "mcp_instance_id": uuid("n"),
        "scheduled_at": "now()",
        "checked_at": "now()",
        "verdict": "'up'",
        "consecutive_failures": "CASE WHEN random() < 0.01 THEN 3 ELSE 0 END",
        "next_check_at": f"CASE WHEN {_IS_LIVE} THEN now() + (n % 3000 - 100) * interval '10 milliseconds' END",
    },
    "probers": {"id": uuid("n"), "hostname": "'here'", "process_id": "n", "seen_at": "now() + interval '1 day'"},
    "health_hours": {
        "target_id": uuid("n / 20"),
        "hour": "date_trunc('hour', now()) - n % 20 * interval '1 hour'",
        "checks": "120",
        "alive": "119",
        "answers": "119",
        "total_ms": "1190",
    },
    "secret_checks": {"name": "'check-' || n", "check_value": token_hash()},
    "encryption_keys": {"key_id": "'master-' || n", "check_value": token_hash()},
    "service_registry": {
        "service_type": "'service-' || n",
        "name": "'service-' || n",
        "display_name": "'Service ' || n",
        "port": "1024 + n",
        "category": "'category-' || " + at_random(100),
        "is_available": "random() > 0.01",
    },
    "service_health_status": {
        "service_type": "'service-' || n",
        "is_healthy": "random() > 0.01",
        "last_health_check": "now() - random() * interval '1 hour'",
    },
    "user_service_instances": {
        "instance_id": "'share-' || n",
        "user_id": _USER,
        "service_type": _SERVICE,
        "encrypted_api_key": "'sealed'",
        "encryption_key_id": _MASTER_KEY,
        "is_active": "random() > 0.02",
        "last_used_at": "CASE WHEN random() > 0.1 THEN now() - random() * interval '90 days' END",
    },
    "service_usage_analytics": {
        "id": uuid("n"),
        "user_id": uuid("n % greatest({rows} / 200, 1)"),
        "service_type": "'service-' || " + at_random(400),
        "instance_id": "'share-' || n % greatest({rows} / 200, 1)",
        "status_code": mostly("200", **{"404": 20, "500": 10}) + "::integer",
        "response_time_ms": at_random(2000),
        "timestamp": SPREAD,
    },
    "api_key_validation_cache": {
        "user_id": _USER,
        "service_type": _SERVICE,
        "key_hash": "'hash-' || n",
        "is_valid": "true",
        "expires_at": "now() - interval '15 minutes' + n * interval '24 hours' / {rows}",
    },
}
