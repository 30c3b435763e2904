"""The statements that read what is kept as a record: who did what, and what went through the gateway."""

from datetime import timedelta
from typing import Final

from tests.crowd import uuid

from .plans import BOUNDS, NOW, PAGE, Hot

_USER: Final = {"user_id": uuid(7)}
_TENANT: Final = {"tenant_id": "tenant-3"}
_SERVER: Final = {"server_id": "server-7"}
_COUNTED: Final = {**BOUNDS, "unit": "hour", "subject": None, "tenant_id": None, "limit": 100}

RECORDS: Final = (
    Hot(
        "audit.of_record",
        "idx_audit_log_table_record",
        {"table_name": "users", "record_id": "record-7", **PAGE},
        "audit_log",
    ),
    Hot("audit.by_user", "idx_audit_log_user_id", {**_USER, **PAGE}, "audit_log"),
    Hot("audit.latest", "idx_audit_log_created_at", PAGE, "audit_log"),
    Hot("audit.of_tenant", "idx_audit_logs_tenant_time", {**_TENANT, **PAGE}, "audit_logs"),
    Hot(
        "audit.on_resource",
        "idx_audit_logs_action_resource",
        {**_TENANT, "action": "action-3", "resource_type": "type-3", "resource_id": "resource-3", **PAGE},
        "audit_logs",
    ),
    Hot("audit.failures_of", "idx_audit_logs_user_success", {**_USER, **PAGE}, "audit_logs"),
    Hot(
        "audit.access_by",
        "idx_security_access_composite",
        {**_USER, "action": "action-3", "resource_type": "type-3", "success": True, **PAGE},
        "audit_logs",
    ),
    Hot("requests.page", "idx_request_logs_tenant_time", {**_TENANT, **PAGE}, "request_logs"),
    Hot(
        "requests.find",
        "idx_request_logs_request_id",
        {**_TENANT, "request_id": "request-3", **BOUNDS, "limit": 10},
        "request_logs",
    ),
    Hot(
        "requests.slowest",
        "idx_request_logs_server_performance",
        {**_SERVER, **BOUNDS, "limit": 20},
        "request_logs",
    ),
    Hot(
        "requests.from_address",
        "idx_request_logs_ip_path",
        {**_TENANT, "address": "10.0.0.3", "path": "/mcp/3", **BOUNDS, "limit": 20},
        "request_logs",
    ),
    Hot(
        "requests.route",
        "idx_request_routing_composite",
        {**_TENANT, "path": "/mcp/3", "method": "POST", **BOUNDS},
        "request_logs",
    ),
    Hot(
        "requests.days",
        "idx_request_logs_tenant_time",
        {**_TENANT, "since": NOW - timedelta(days=2), "until": NOW},
    ),
    Hot("rollups.of_tenant", "idx_request_rollups_tenant|pk_request_rollups", {**_TENANT, **BOUNDS, "unit": "hour"}),
    Hot("rollups.of_server", "idx_metric_rollups_server|pk_metric_rollups", {**_SERVER, **BOUNDS, "unit": "hour"}),
    Hot(
        "rollups.of_service",
        "idx_service_usage_rollups_service",
        {"service_type": "service-7", **BOUNDS, "unit": "hour"},
    ),
    Hot("counts.requests", "idx_request_rollups_tenant|pk_request_rollups", {**_COUNTED, **_TENANT}),
    Hot("counts.samples", "idx_metric_rollups_server|pk_metric_rollups", {**_COUNTED, "subject": "server-7"}),
    Hot(
        "counts.calls",
        "idx_service_usage_rollups_service|pk_service_usage_rollups",
        {**_COUNTED, "subject": "service-7"},
    ),
    Hot(
        "counts.known_requests",
        "idx_request_rollups_tenant|pk_request_rollups|idx_request_rollups_server",
        {**_TENANT, "subject": None},
    ),
    Hot(
        "counts.known_samples",
        "idx_metric_rollups_server|pk_metric_rollups",
        {"subject": "server-7", "tenant_id": None},
    ),
    Hot(
        "counts.known_calls",
        "idx_service_usage_rollups_service|pk_service_usage_rollups",
        {"subject": "service-7", "tenant_id": None},
    ),
    Hot("calls.of_user", "idx_fastmcp_audit_user_time", {**_TENANT, "user_id": "user-3", **PAGE}, "fastmcp_audit_log"),
    Hot(
        "calls.failures",
        "idx_fastmcp_audit_method_success",
        {"method": "tools/call", **PAGE},
        "fastmcp_audit_log",
    ),
    Hot("calls.slowest", "idx_fastmcp_audit_tenant_performance", {**_TENANT, **PAGE}, "fastmcp_audit_log"),
)
