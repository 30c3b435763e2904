"""A world is a tenant, a user of it, and one row of everything that belongs to the two."""

from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

Row: TypeAlias = dict[str, object]
Connection: TypeAlias = "psycopg.Connection[tuple[object, ...]]"

NOW: Final = datetime.now(UTC)
LATER: Final = NOW + timedelta(days=1)
EARLIER: Final = NOW - timedelta(days=800)
_COUNTED: Final[Row] = {"unit": "day", "starts_at": NOW, "entries": 1, "errors": 0, "measured": 0, "total_ms": 0}


class World:
    """The rows of one world, by table, in an order in which they can be inserted; the first column tells rows apart."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.tenant_id = f"tenant-{number}"
        self.user_id = UUID(int=uuid4().int & ~0xFF | number)
        self.instance_id, self.type_id = uuid4(), uuid4()
        self.rows: Final = {**self._people(), **self._services(), **self._instances(), **self._gateway()}

    def key(self, table: str) -> tuple[str, object]:
        """Give the column and the value that tell this world's row of a table."""
        return next(iter(self.rows[table].items()))

    def insert(self, connection: Connection) -> None:
        for table, row in self.rows.items():
            insert(connection, table, row)

    def _hash(self, of: str) -> str:
        return f"{of.encode().hex():0>60}{self.number:04d}"

    def _people(self) -> dict[str, Row]:
        n, own = self.number, {"user_id": self.user_id, "tenant_id": self.tenant_id}
        return {
            "tenants": {"id": self.tenant_id, "name": f"Tenant {n}"},
            "users": {
                "id": self.user_id,
                "tenant_id": self.tenant_id,
                "email": f"user-{n}@worlds.example",
                "name": "Ada",
                "username": f"ada-{n}",
                "auth_provider": "github",
                "auth_provider_id": f"ada-{n}",
            },
            "organizations": {"id": f"organization-{n}", "tenant_id": self.tenant_id, "name": f"Organization {n}"},
            "users_organizations": {"user_id": self.user_id, "organization_id": f"organization-{n}", "role": "admin"},
            "outbox": {"message_id": uuid4(), "queue": "logs", "wire_name": "a.b.v1", "payload": "{}", **own},
            "audit_log": {"record_id": f"record-{n}", "table_name": "users", "action": "INSERT", "new_data": "{}"},
        }

    def _services(self) -> dict[str, Row]:
        n, service, key = self.number, f"service-{self.number}", f"master-{self.number}"
        return {
            "secret_checks": {"name": f"check-{n}", "check_value": self._hash("secret")},
            "encryption_keys": {"key_id": key, "check_value": self._hash("check")},
            "service_registry": {"service_type": service, "name": service, "display_name": service, "port": 20000 + n},
            "user_service_instances": {
                "instance_id": f"share-{n}",
                "user_id": self.user_id,
                "service_type": service,
                "encrypted_api_key": "sealed",
                "encryption_key_id": key,
            },
            "shared_moves": {
                "api_key_id": uuid4(),
                "user_id": self.user_id,
                "mcp_type_id": self.type_id,
                "service_type": service,
                "instance_id": f"share-{n}",
                "outcome": "migrated",
            },
            "service_health_status": {"service_type": service},
            "service_usage_analytics": {"user_id": self.user_id, "service_type": service, "instance_id": f"share-{n}"},
            "service_usage_quarantine": {
                "id": uuid4(),
                "instance_id": f"share-{n}",
                "reason": "unknown-share",
                "payload": "{}",
            },
            "api_key_validation_cache": {
                "user_id": self.user_id,
                "service_type": service,
                "key_hash": "h",
                "is_valid": True,
            },
        }

    def _instances(self) -> dict[str, Row]:
        n, instance = self.number, {"mcp_instance_id": self.instance_id}
        check = {"target_id": self.instance_id, "scheduled_at": NOW, "checked_at": NOW, "verdict": "up"}
        message = {"message_id": uuid4(), "wire_name": "a.b.v1"}
        full = {
            "id": self.instance_id,
            "user_id": self.user_id,
            "mcp_type_id": self.type_id,
            "access_token_hash": self._hash("token"),
            "access_url": "http://localhost:3001",
            "assigned_port": 5000 + n,
            "expires_at": LATER,
        }
        key: Row = {
            "user_id": self.user_id,
            "mcp_type_id": self.type_id,
            "encrypted_key": "sealed",
            "encryption_iv": "iv",
            "encrypted_dek": "dek",
            "encryption_key_id": f"master-{n}",
        }
        dates = {"created_at": NOW, "updated_at": NOW, "key_changed_at": NOW}
        return {
            "mcp_types": {"id": self.type_id, "name": f"type-{n}", "display_name": "Type", "server_script": "type.js"},
            "api_keys": key,
            "api_keys_archive": {**key, "id": uuid4(), "is_active": True, **dates},
            "mcp_instances": full,
            "mcp_instances_archive": {
                **full,
                "host_id": "local",
                "status": "expired",
                "config": "{}",
                "stats": "{}",
                "created_at": NOW,
                "updated_at": NOW,
                "pending_since": NOW,
            },
            "mcp_events_archive": {**instance, "id": uuid4(), "event_type": "a", "event_data": "{}", "created_at": NOW},
            "port_allocations": {"host_id": f"world-{n}", "port": 5000, "is_available": False, **instance},
            "mcp_events": {**instance, "event_type": "created"},
            "mcp_logs": {**instance, "message": "mine"},
            "log_quarantine": {**instance, "reason": "unknown-instance", "payload": "{}"},
            "health_targets": {"id": self.instance_id, "kind": "instance", **instance},
            "health_checks": check,
            "health_hours": {
                "target_id": self.instance_id,
                "hour": NOW.replace(minute=0, second=0, microsecond=0),
                "checks": 1,
                "alive": 1,
                "answers": 0,
                "total_ms": 0,
            },
            "redeliveries": {**message, "queue": "logs", "envelope": "{}", "state": "parked"},
            "dead_letters": {
                "message_id": str(message["message_id"]),
                "queue": "logs",
                "wire_name": "a.b.v1",
                "reason": "invalid",
                "error": "e",
                "payload": "{}",
                "host": "here",
            },
        }

    def _gateway(self) -> dict[str, Row]:
        n, own = self.number, {"tenant_id": self.tenant_id, "user_id": self.user_id}
        server: Row = {"server_id": f"server-{n}"}
        key: Row = {"key_prefix": "mk_", "name": "key", **own}
        rows: dict[str, Row] = {
            "mcp_servers": {
                "id": f"server-{n}",
                "name": f"Server {n}",
                "endpoint_url": f"https://server-{n}.example/mcp",
                "tenant_id": self.tenant_id,
                "created_by": self.user_id,
                "status": "active",
            },
            "server_tools": {**server, "name": "search"},
            "server_resources": {**server, "uri_template": "file:///{path}"},
            "server_metrics": {**server, "error_rate": 1.5},
            "circuit_breakers": {**server, "service_name": "mcp"},
            "connection_pools": {**server, "pool_name": "main"},
            "request_queues": {**server, "queue_name": "main"},
            "performance_alerts": {
                **server,
                "name": "slow",
                "metric_name": "response_time_ms",
                "threshold_value": 1000,
                "comparison_operator": ">",
            },
            "sessions": {
                "session_token_hash": self._hash("session"),
                "user_id": self.user_id,
                "expires_at": LATER,
            },
            "api_keys": {"key_hash": f"hash-{n}", **key},
            "enhanced_api_keys": {"id": f"key-{n}", "key_hash": f"hash-{n}", "salt": "s", **key},
            "server_access_control": {**server, "user_id": self.user_id},
            "audit_logs": {**own, "action": "read", "resource_type": "server"},
            "request_logs": {
                "request_id": f"request-{n}",
                "method": "POST",
                "path": "/mcp",
                "status_code": 200,
                "duration_ms": 10.0 * n,
                "target_server_id": f"server-{n}",
                **own,
            },
            "request_rollups": {"tenant_id": self.tenant_id, **server, **_COUNTED, "succeeded": 1},
            "metric_rollups": {**server, **_COUNTED, "error_rates": 0},
            "request_users": {**own, "hour": NOW},
            "record_quarantine": {
                "message_id": uuid4(),
                "wire_name": "gateway.requests_served.v1",
                "line_number": 1,
                "reason": "contract",
                "payload": "{}",
            },
            "fastmcp_audit_log": {
                "tenant_id": self.tenant_id,
                "user_id": "ada",
                "method": "tools/call",
                "success": True,
                "duration_ms": 12,
            },
            "routing_rules": {"name": f"rule {n}", "tenant_id": self.tenant_id},
            "system_configs": {"key": f"key-{n}", "tenant_id": self.tenant_id, "value": "1", "category": "limits"},
        }
        return {f"gateway.{table}": row for table, row in rows.items()}


def insert(connection: Connection, table: str, row: Row) -> None:
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join(map(sql.Literal, row.values())),
        )
    )


def change(connection: Connection, world: World, table: str, changes: Row) -> int:
    """Change a world's row of a table; return how many rows that were."""
    column, value = world.key(table)
    return connection.execute(
        sql.SQL("UPDATE {} SET {} WHERE {} = {}").format(
            identifier(table),
            sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(c), sql.Literal(v)) for c, v in changes.items()
            ),
            sql.Identifier(column),
            sql.Literal(value),
        )
    ).rowcount


def identifier(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
