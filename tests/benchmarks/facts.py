"""Facts that are applied as a set, however many of them were fetched together."""

import json
from typing import Any, Final

from db.repositories import health, inbox, instances, known, shares, targets, usage
from producers import HealthReport, HealthReported, InstanceAccessed, InstanceStatsReported, ServiceUsed, Use, Verdict

from .lifecycle import EFFECTS, INSTANCE, MESSAGE, PENDING, Batch, Kind, array, numbered

_STATS: Final = {"cpu_percent": 1.5, "memory_mb": 96}
_USE: Final[dict[str, Any]] = {"endpoint": "/mcp", "method": "POST", "status_code": 200, "response_time_ms": 84}
_SERVICE: Final = "bench"
_RESPONSE_MS: Final = 12.5


def _access(batch: Batch, number: int) -> InstanceAccessed:
    return InstanceAccessed(
        message_id=batch.id(MESSAGE, number), occurred_at=batch.moment, instance_id=batch.id(INSTANCE, number)
    )


def _report(batch: Batch, number: int) -> InstanceStatsReported:
    return InstanceStatsReported(
        message_id=batch.id(MESSAGE, number),
        occurred_at=batch.moment,
        instance_id=batch.id(INSTANCE, number),
        stats=dict(_STATS),
    )


def _use(batch: Batch, number: int) -> ServiceUsed:
    use = Use(share_id=f"{_SERVICE}_{batch.stem}{number:012x}", used_at=batch.moment, **_USE)
    return ServiceUsed(message_id=batch.id(MESSAGE, number), occurred_at=batch.moment, uses=[use])


def _check(batch: Batch, number: int) -> HealthReported:
    report = HealthReport(
        instance_id=batch.id(INSTANCE, number),
        scheduled_at=batch.moment,
        checked_at=batch.moment,
        verdict=Verdict.UP,
        response_ms=_RESPONSE_MS,
        era="modern",
    )
    return HealthReported(message_id=batch.id(MESSAGE, number), occurred_at=batch.moment, reports=[report])


_TARGETS: Final = (
    b"WITH born AS (" + PENDING + b" RETURNING id)"
    b" INSERT INTO health_targets (id, kind, mcp_instance_id) SELECT id, 'instance', id FROM born"
)
_REPORT_AS_JSON: Final = (
    f"json_build_array(json_build_object('target_id', {numbered(INSTANCE)}, 'scheduled_at', CAST(:at AS text),"
    f" 'checked_at', CAST(:at AS text), 'verdict', 'up', 'response_ms', {_RESPONSE_MS}, 'era', 'modern'))::text"
)
_SHARES: Final = b"""
WITH service AS (
    INSERT INTO service_registry (service_type, name, display_name, port) VALUES ('bench', 'bench', 'Bench', 1024)
    ON CONFLICT (service_type) DO UPDATE SET name = excluded.name RETURNING service_type
), owner AS (
    INSERT INTO users (id, email, name)
    SELECT (%(stem)s || '7000b000' || lpad(to_hex(n), 12, '0'))::uuid, %(stem)s || n || '@example.com', 'Ada'
      FROM generate_series(0, %(count)s - 1) n
    RETURNING id
)
INSERT INTO user_service_instances (instance_id, user_id, service_type)
SELECT service_type || '_' || %(stem)s || right(id::text, 12), id, service_type FROM owner, service
"""
_SHARE: Final = numbered("", digits=12).replace(":stem ||", f"'{_SERVICE}_' || :stem ||")
_FIELDS: Final = ", ".join(f"'{name}', '{value}'" for name, value in _USE.items())
_USE_AS_JSON: Final = (
    f"json_build_array(json_build_object('id', {numbered(MESSAGE)}, 'instance_id', {_SHARE}, {_FIELDS},"
    " 'timestamp', CAST(:at AS text)))::text"
)

ACCESSED: Final = Kind(
    contract=InstanceAccessed,
    make=_access,
    rows=PENDING,
    effect=EFFECTS + b"last_accessed IS NOT NULL",
    statements=(inbox._ENTER, instances._ACCESS),
    constants={},
    differing={
        "message_id": numbered(MESSAGE),
        "ids": array(numbered(INSTANCE)),
        "ats": array(":at"),
    },
)
STATS_REPORTED: Final = Kind(
    contract=InstanceStatsReported,
    make=_report,
    rows=PENDING,
    effect=EFFECTS + b"stats_at IS NOT NULL",
    statements=(inbox._ENTER, instances._REPORT_STATS),
    constants={},
    differing={
        "message_id": numbered(MESSAGE),
        "ids": array(numbered(INSTANCE)),
        "ats": array(":at"),
        "stats": array(f"'{json.dumps(_STATS)}'"),
    },
)
USED: Final = Kind(
    contract=ServiceUsed,
    make=_use,
    rows=_SHARES,
    effect=b"SELECT coalesce(sum(usage_count), 0)::integer FROM user_service_instances"
    b" WHERE starts_with(instance_id, 'bench_' || %(stem)s)",
    statements=(inbox._ENTER, shares._HOLD, usage._RECORD),
    constants={},
    differing={
        "message_id": numbered(MESSAGE),
        "ids": array(_SHARE),
        "share_ids": array(_SHARE),
        "uses": _USE_AS_JSON,
    },
)
HEALTH_REPORTED: Final = Kind(
    contract=HealthReported,
    make=_check,
    rows=_TARGETS,
    effect=EFFECTS + b"last_health_check IS NOT NULL",
    statements=(
        *(inbox._ENTER, targets._ENSURE, targets._OF),
        *(health._INSTANCES_OF, known._ALONE, health._HOLD, health._RECORD, health._TELL_INSTANCES),
    ),
    constants={},
    differing={
        "message_id": numbered(MESSAGE),
        # The target of an instance has its id.
        "ids": f"CAST({array(numbered(INSTANCE))} AS uuid[])",
        "instances": array(numbered(INSTANCE)),
        "services": "'{}'",
        "servers": "'{}'",
        "reports": _REPORT_AS_JSON,
    },
)
