"""One realistic message of each contract; always the same, so that documents only change with the code."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Final
from uuid import UUID

from producers import (
    AlertsDue,
    ArchiveDue,
    AuditSealDue,
    CacheExpiryDue,
    CheckHealth,
    ContinueErasure,
    CreateInstance,
    DeadLettersDue,
    DeleteInstance,
    DeprovisionService,
    EraseUser,
    HealthChecksDue,
    HealthReport,
    HealthReported,
    HealthTarget,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstanceReconnected,
    InstancesExpiryDue,
    InstanceStarted,
    InstanceStatsReported,
    KeyRotationDue,
    KeyValidated,
    LogLine,
    LogsEmitted,
    Message,
    MigrateToSharedService,
    OutboxDue,
    PartitionsDue,
    PortsReconcileDue,
    ProvisionService,
    PruningDue,
    RegisterService,
    RenewInstance,
    RestoreInstance,
    RetentionDue,
    RevokeApiKey,
    RollupsDue,
    SealedKey,
    ServiceUsed,
    StatisticsDue,
    StoreApiKey,
    Use,
    Verdict,
    ViewsDue,
)
from producers import message_id as ids

from .gateway_examples import gateway

# Whoever sends an example does it later than this: health tells of no slot after its message.
MOMENT: Final = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
INSTANCE: Final = UUID("019aa5c4-1d40-7c58-9b7e-5f0a3c2d1e44")
OTHER_INSTANCE: Final = UUID("019aa5c4-2b10-7a01-8d3f-77c1b0a9e8d2")
SHARE: Final = "figma_Zk3vQ8xT1mWc0pLr"
USER: Final = UUID("019aa1aa-09f3-7bd2-a6c4-0e9d8c7b6a55")

_SHOWN_ONCE: Final = "q3Zl0pXn7T4uWc6vB1sYd8KfR2hMjE5aGiOx9Qk"

# Sealed once for the pair below, since sealing the same again gives something else; docs/producers.md opens it.
SEALING_PAIR: Final = "2026-01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SEALED_PLAINTEXT: Final = "figd_example-of-a-key-4f2c"
_SEALED: Final = SealedKey(
    recipient="2026-01",
    ciphertext="58a/Mc/CsXvPfDbO6jM+qxrN6mjerT+QufhZclbw/kNqOK1fEhP2VMd+U3HfOTBexCwF3uM0JSiqkkERPWCE5FWyqb4TSt0iDIY=",
)

_AT_MOMENT: Final = ids.of_tick("example", MOMENT)

_UP: Final = HealthReport(
    instance_id=INSTANCE,
    scheduled_at=MOMENT,
    checked_at=MOMENT + timedelta(seconds=1),
    verdict=Verdict.UP,
    response_ms=12.5,
    era="modern",
)
_UNREACHABLE: Final = HealthReport(
    instance_id=OTHER_INSTANCE,
    scheduled_at=MOMENT,
    checked_at=MOMENT + timedelta(seconds=3.1),
    verdict=Verdict.UNREACHABLE,
    error="The connection was refused.",
)
_LINE: Final = LogLine(
    instance_id=INSTANCE,
    timestamp=MOMENT + timedelta(seconds=11.2),
    level="warn",
    message="Rate limit is near: 58 of 60 requests in this minute",
    metadata={"tool": "get_file"},
)


def _after(seconds: float, message: Message) -> Message:
    """Date an example and give it the id that belongs to the date."""
    at = MOMENT + timedelta(seconds=seconds)
    return message.model_copy(update={"message_id": ids.of_tick(message.wire_name, at), "occurred_at": at})


EXAMPLES: Final[Mapping[type[Message], Message]] = {
    type(message): message
    for message in (
        _after(
            0,
            CreateInstance(
                instance_id=INSTANCE,
                user_id=USER,
                mcp_type="figma",
                duration_minutes=60,
                name="Design review",
                config={"read_only": True, "files": ["8fK2mQ"]},
                access_token_hash=hashlib.sha256(_SHOWN_ONCE.encode()).hexdigest(),
                access_token_hint=_SHOWN_ONCE[-4:],
            ),
        ),
        _after(
            2.4,
            InstanceStarted(
                instance_id=INSTANCE, process_id=41_207, process_started_at=MOMENT + timedelta(seconds=1.9)
            ),
        ),
        _after(60, InstanceAccessed(instance_id=INSTANCE)),
        _after(75, InstanceStatsReported(instance_id=INSTANCE, stats={"cpu_percent": 3.5, "memory_mb": 148})),
        _after(
            600,
            RenewInstance(
                instance_id=INSTANCE, duration_minutes=60, ip_address=IPv4Address("192.0.2.7"), user_agent="console/2"
            ),
        ),
        _after(800, InstanceDisconnected(instance_id=OTHER_INSTANCE, reason="The host is gone from the network.")),
        _after(860, InstanceReconnected(instance_id=OTHER_INSTANCE)),
        _after(
            900,
            InstanceFailed(
                instance_id=OTHER_INSTANCE, error="The process ended with exit code 137: it was out of memory."
            ),
        ),
        _after(1_200, RestoreInstance(instance_id=OTHER_INSTANCE, duration_minutes=30)),
        _after(1_800, DeleteInstance(instance_id=INSTANCE, reason="The review is over.")),
        InstancesExpiryDue.at(MOMENT),
        PortsReconcileDue.at(MOMENT),
        _after(5, StoreApiKey(user_id=USER, mcp_type="figma", sealed_key=_SEALED)),
        _after(86_400, RevokeApiKey(user_id=USER, mcp_type="figma")),
        _after(6, KeyValidated(user_id=USER, service_type="figma", is_valid=True, response={"plan": "team"})),
        KeyRotationDue.at(MOMENT),
        _after(
            30,
            RegisterService(
                service_type="figma",
                display_name="Figma",
                category="design",
                port=49_160,
                base_url="https://figma.services.example/mcp",
            ),
        ),
        _after(
            1_900,
            ProvisionService(user_id=USER, share_id=SHARE, service_type="figma", config={"team": "design"}),
        ),
        _after(2_000, DeprovisionService(share_id=SHARE, reason="The user has left the project.")),
        _after(2_100, MigrateToSharedService(service_type="figma", dry_run=True)),
        _after(
            2_200,
            ServiceUsed(
                uses=[
                    Use(
                        share_id=SHARE,
                        used_at=MOMENT + timedelta(seconds=2_199),
                        endpoint="/mcp",
                        method="POST",
                        status_code=200,
                        response_time_ms=84,
                    )
                ]
            ),
        ),
        _after(
            0.3,
            CheckHealth(
                message_id=_AT_MOMENT,
                targets=[HealthTarget(instance_id=INSTANCE, url="http://localhost:3001/mcp", scheduled_at=MOMENT)],
            ),
        ),
        _after(3.2, HealthReported(message_id=_AT_MOMENT, reports=[_UP, _UNREACHABLE])),
        HealthChecksDue.at(MOMENT),
        _after(12, LogsEmitted(lines=[_LINE])),
        *(_after(seconds, message) for seconds, message in gateway(MOMENT, USER)),
        *(
            tick.at(MOMENT)
            for tick in (
                PartitionsDue,
                RetentionDue,
                ArchiveDue,
                DeadLettersDue,
                PruningDue,
                AuditSealDue,
                RollupsDue,
                CacheExpiryDue,
                StatisticsDue,
                AlertsDue,
                ViewsDue,
                OutboxDue,
            )
        ),
        _after(90_000, EraseUser(user_id=USER)),
        _after(90_001, ContinueErasure(erasure_id=ids.of_tick(EraseUser.wire_name, MOMENT), step=1)),
    )
}
"""Contract to example."""
