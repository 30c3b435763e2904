"""Which tables belong together, in the order in which a newcomer reads them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Context:
    """Tables that are understood together."""

    title: str
    sentence: str
    tables: tuple[str, ...]


CONTEXTS: Final = (
    Context(
        "People",
        "Who owns things, and whom they belong to. A tenant is a customer of the gateway; whoever only has dedicated "
        "instances or shared services needs none.",
        ("users", "tenants", "organizations", "users_organizations"),
    ),
    Context(
        "Dedicated instances",
        "One MCP server per user and purpose: asked for, started on a host, on a port that it leases until it ends.",
        (
            "mcp_types",
            "mcp_instances",
            "port_allocations",
            "mcp_events",
            "system_settings",
            "mcp_instances_archive",
            "mcp_types_archive",
            "mcp_events_archive",
        ),
    ),
    Context(
        "Keys",
        "Keys of third parties, which must be read again and are therefore encrypted; each row has a data key of its "
        "own, wrapped by a master key that this database knows by name only.",
        ("api_keys", "encryption_keys", "secret_checks", "api_key_validation_cache", "api_keys_archive"),
    ),
    Context(
        "Shared services",
        "One server for many users. They take the place of dedicated instances, type by type.",
        (
            "service_registry",
            "user_service_instances",
            "service_health_status",
            "service_usage_analytics",
            "service_usage_quarantine",
            "service_usage_rollups",
            "shared_moves",
        ),
    ),
    Context(
        "Health and logs",
        "What instances print and what probes find. History is partitioned; what is checked, when next, and the "
        "verdict that holds now are one row.",
        ("mcp_logs", "health_targets", "health_checks", "health_hours", "probers"),
    ),
    Context(
        "Registry gateway: servers and routing",
        "What a gateway routes to, what each server offers, and how requests find it.",
        (
            "gateway.mcp_servers",
            "gateway.server_tools",
            "gateway.server_resources",
            "gateway.routing_rules",
            "gateway.system_configs",
        ),
    ),
    Context(
        "Registry gateway: operation",
        "How the servers do, as all gateways see it.",
        (
            "gateway.server_metrics",
            "gateway.circuit_breakers",
            "gateway.connection_pools",
            "gateway.request_queues",
            "gateway.performance_alerts",
            "gateway.materialized_views",
        ),
    ),
    Context(
        "Registry gateway: access",
        "Who may use the gateway, with which key, and for what. Keys that come in are hashed: nobody can read them.",
        (
            "gateway.sessions",
            "gateway.api_keys",
            "gateway.enhanced_api_keys",
            "gateway.server_access_control",
        ),
    ),
    Context(
        "Audit and requests",
        "Who did what, and what went through the gateway. Evidence has no foreign keys that could take it away, and a "
        "worker may add to it but neither change nor delete it.",
        (
            "audit_log",
            "maintenance.audit_entries",
            "maintenance.audit_blocks",
            "gateway.audit_logs",
            "gateway.fastmcp_audit_log",
            "gateway.record_quarantine",
            "gateway.request_rollups",
            "gateway.request_users",
            "gateway.metric_rollups",
            "rollup_marks",
            "rollup_hours",
            "gateway.request_logs",
        ),
    ),
    Context(
        "Messages",
        "What makes a message count once: sent with the transaction that made it, applied once, put by, given up.",
        ("message_contracts", "outbox", "inbox", "redeliveries", "dead_letters", "log_quarantine"),
    ),
    Context(
        "Maintenance",
        "What keeps the database small: how long each partitioned table keeps its rows, and what was done about it.",
        (
            "maintenance.data_retention_policies",
            "maintenance.detached_partitions",
            "maintenance.row_policies",
            "maintenance.legal_holds",
            "maintenance.runs",
            "maintenance.ticks",
            "maintenance.user_references",
            "maintenance.erasures",
            "alembic_version",
        ),
    ),
)


def misplaced(tables: Iterable[str]) -> list[str]:
    """Say which tables are in no context or in two, and which contexts name tables that are not there."""
    placed = [name for context in CONTEXTS for name in context.tables]
    there = set(tables)
    homeless = [f"{name} is in no context of docs/database/contexts.py" for name in sorted(there - set(placed))]
    gone = [f"docs/database/contexts.py names {name}, which is not there" for name in placed if name not in there]
    twice = [f"{name} is in two contexts" for name in sorted(set(placed)) if placed.count(name) > 1]
    return [*homeless, *gone, *twice]
