"""The statements by which checks are claimed and recorded, and the indexes that each lives on."""

from typing import Final
from uuid import UUID

from tests.crowd import uuid

from .plans import Hot

HEALTH: Final = (
    Hot("health.record", "pk_health_targets", {"reports": "[]"}),
    Hot("health.hold", "pk_health_targets", {"ids": [uuid(1), uuid(2)]}),
    Hot("health.instances_of", "pk_health_targets", {"ids": [uuid(1), uuid(2)]}),
    Hot("health.tell_instances", "pk_health_targets pk_mcp_instances", {"ids": [uuid(1), uuid(2)]}),
    Hot("health.tell_services", "pk_health_targets pk_service_health_status pk_health_hours", {"ids": [uuid(100_000)]}),
    Hot("health.tell_servers", "pk_health_targets pk_mcp_servers pk_health_hours", {"ids": [uuid(200_000)]}),
    Hot("health.note_tools", "pk_health_targets", {"ids": [uuid(1)], "tools": [3]}),
    Hot(
        "targets.claim",
        "idx_health_targets_due pk_mcp_instances",
        {
            "prober": uuid(0),
            "ahead": 1.0,
            "limit": 50,
            "silence": 6.0,
            "patience": 1.0,
            "grace": 15.0,
        },
    ),
    Hot(
        "targets.of",
        "pk_health_targets uq_health_targets_service_type uq_health_targets_server_id",
        {"instances": [uuid(1)], "services": ["service-1"], "servers": ["server-1"]},
    ),
    Hot("targets.ask", "pk_health_targets", {"target_id": uuid(1)}),
    Hot("verdicts.get", "pk_health_targets pk_health_hours", {"target_id": uuid(1), "back": "30 days"}),
    Hot(
        "verdicts.page",
        "pk_health_targets pk_health_hours",
        {"kind": "instance", "after": UUID(int=0), "limit": 20, "back": "24 hours"},
    ),
    Hot(
        "verdicts.failing",
        "idx_health_targets_failing pk_health_hours",
        {"kind": None, "after": UUID(int=0), "limit": 20, "back": "24 hours"},
    ),
    Hot(
        "verdicts.named",
        "pk_health_targets uq_health_targets_service_type uq_health_targets_server_id",
        {"id": uuid(1), "name": "service-1"},
    ),
    Hot("alerts.open", "pk_health_targets", {"target_ids": [uuid(1)]}),
    Hot("alerts.resolve", "uq_performance_alerts_target_id", {"target_ids": [uuid(1)]}),
    Hot("alerts.acknowledge", "uq_performance_alerts_target_id", {"target_id": uuid(1)}),
)
