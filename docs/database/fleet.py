"""How many rows each table is planned for.

An empty catalog estimates nothing, so these are assumptions: a fleet of middle size, whose figures the page names and
from which every estimate follows.  Whoever runs another fleet scales them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# A partition is dropped when all of it is past its retention, so up to one more month is there.
_LONGEST_MONTH: Final = 31
_YEAR: Final = 365
_MILLION: Final = 1_000_000

FLEET: Final = (
    "1,000 users of 20 tenants; 1,000 dedicated instances alive at any moment on 20 hosts, 3,000 new ones a day, each "
    "printing 10 lines and checked once a minute; 400 shared services with 4,000 users, each calling 50 times a day; "
    "500 servers behind the gateway, each sampled once a minute, and 1,000,000 requests a day"
)


@dataclass(frozen=True)
class Rows:
    """How many rows: at any time, or each day."""

    number: int
    because: str
    daily: bool = False

    def expected(self, retention_days: int | None) -> str:
        """Say how many rows there will be: at once, after a year if nothing takes them away, or within retention."""
        if not self.daily:
            return rounded(self.number)
        if retention_days is None:
            return f"{rounded(self.number * _YEAR)} after a year"
        return f"up to {rounded(self.number * (retention_days + _LONGEST_MONTH))}"


def _each_day(number: int, because: str) -> Rows:
    return Rows(number, because, daily=True)


EXPECTED: Final[Mapping[str, Rows]] = {
    "users": Rows(1_000, "one per user"),
    "tenants": Rows(20, "one per tenant"),
    "organizations": Rows(50, "two or three per tenant"),
    "users_organizations": Rows(1_500, "one or two per user"),
    "mcp_types": Rows(10, "one per kind of server"),
    "mcp_instances": _each_day(3_000, "one per new instance, kept after its end"),
    "port_allocations": Rows(2_000, "100 per host"),
    "mcp_events": _each_day(15_000, "five in the life of an instance"),
    "system_settings": Rows(10, "one per setting"),
    "mcp_instances_archive": Rows(1_000, "one per instance that moved to a shared service"),
    "mcp_types_archive": Rows(10, "one per type that is no longer offered"),
    "mcp_events_archive": Rows(5_000, "five per archived instance"),
    "api_keys_archive": Rows(1_000, "one per key that moved to a shared service"),
    "shared_moves": Rows(1_000, "one per key that moved to a shared service"),
    "api_keys": Rows(2_000, "two per user"),
    "secret_checks": Rows(1, "one"),
    "encryption_keys": Rows(3, "one per rotation of the master key that is still needed"),
    "api_key_validation_cache": Rows(4_000, "one per key that was used in the last hour"),
    "service_registry": Rows(400, "one per shared service"),
    "user_service_instances": Rows(4_000, "one per user and service"),
    "service_health_status": Rows(400, "one per shared service"),
    "service_usage_analytics": _each_day(200_000, "one per call"),
    "service_usage_quarantine": Rows(18_000, "a hundred a day of shares that are gone, for half a year"),
    "mcp_logs": _each_day(14_400_000, "10 lines a minute of each live instance"),
    "health_checks": _each_day(1_440_000, "a check a minute of each live instance"),
    "health_targets": _each_day(3_000, "one per instance that was ever checked, and one per service and server"),
    "health_hours": _each_day(24_000, "one per target and hour"),
    "probers": Rows(10, "one per worker process"),
    "gateway.mcp_servers": Rows(500, "one per server"),
    "gateway.server_tools": Rows(5_000, "ten per server"),
    "gateway.server_resources": Rows(2_500, "five per server"),
    "gateway.routing_rules": Rows(100, "five per tenant"),
    "gateway.system_configs": Rows(100, "five per tenant"),
    "gateway.server_metrics": _each_day(720_000, "a sample a minute of each server"),
    "gateway.circuit_breakers": Rows(500, "one per server"),
    "gateway.connection_pools": Rows(500, "one per server"),
    "gateway.request_queues": Rows(500, "one per server"),
    "gateway.performance_alerts": Rows(1_000, "two per server"),
    "gateway.materialized_views": Rows(1, "one per materialized view"),
    "gateway.sessions": Rows(2_000, "two per user"),
    "gateway.api_keys": Rows(200, "ten per tenant"),
    "gateway.enhanced_api_keys": Rows(100, "five per tenant"),
    "gateway.server_access_control": Rows(2_000, "four per server"),
    "audit_log": _each_day(5_000, "one per sensitive change"),
    "gateway.audit_logs": _each_day(20_000, "one in 50 requests does something worth it"),
    "gateway.fastmcp_audit_log": _each_day(1_000_000, "one per request"),
    "gateway.request_logs": _each_day(1_000_000, "one per request"),
    "message_contracts": Rows(50, "one per message that there is"),
    "rollup_marks": Rows(1_000, "one per batch of the last minutes"),
    "rollup_hours": _each_day(72, "one per table and hour, kept"),
    "gateway.request_rollups": _each_day(12_000, "one per hour or day, tenant and server that was asked, kept"),
    "gateway.request_users": _each_day(10_000, "one per hour and user who asked, kept"),
    "gateway.metric_rollups": _each_day(12_500, "one per hour or day and server, kept"),
    "service_usage_rollups": _each_day(10_000, "one per hour or day and service that was called, kept"),
    "maintenance.audit_entries": Rows(1_000, "what was entered in the last minute"),
    "maintenance.audit_blocks": _each_day(30_000, "one per minute, table and tenant that was active, kept"),
    "gateway.record_quarantine": _each_day(100, "records that did not fit, kept"),
    "outbox": Rows(100, "what was not applied yet"),
    "inbox": _each_day(500_000, "one per message; a message carries a batch"),
    "redeliveries": Rows(100, "what is not finished"),
    "dead_letters": _each_day(10, "what somebody has to look at, kept"),
    "log_quarantine": Rows(9_000, "a hundred a day of instances that are gone, for 90 days"),
    "maintenance.data_retention_policies": Rows(10, "one per partitioned table"),
    "maintenance.detached_partitions": Rows(120, "one per partitioned table and month, kept: a year's"),
    "maintenance.runs": Rows(20_000, "fifty a day, one per tick that tidied up, for 400 days"),
    "maintenance.ticks": Rows(20, "one per line of the timetable"),
    "maintenance.row_policies": Rows(5, "one per table that grows and is not partitioned"),
    "maintenance.legal_holds": Rows(10, "few, kept after their end"),
    "maintenance.user_references": Rows(20, "one per column that no foreign key tells of"),
    "maintenance.erasures": Rows(1_000, "one per user who was erased"),
    "alembic_version": Rows(1, "one"),
}


def rounded(number: int) -> str:
    """Write a number with two digits that count."""
    counted = int(float(f"{number:.2g}"))
    return f"{counted / _MILLION:,.3g} million" if counted >= _MILLION else f"{counted:,}"
