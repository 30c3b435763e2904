"""Every contract, by wire name."""

from collections.abc import Mapping
from types import MappingProxyType

from ..message import Message
from .gateway import ActionAudited, CallAudited, MetricsSampled, RequestsServed
from .health import CheckHealth, HealthChecksDue, HealthReported
from .instances import (
    CreateInstance,
    DeleteInstance,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstanceReconnected,
    InstancesExpiryDue,
    InstanceStarted,
    InstanceStatsReported,
    PortsReconcileDue,
    RenewInstance,
    RestoreInstance,
)
from .keys import KeyRotationDue, KeyValidated, RevokeApiKey, StoreApiKey
from .logs import LogsEmitted
from .maintenance import (
    AlertsDue,
    ArchiveDue,
    AuditSealDue,
    CacheExpiryDue,
    DeadLettersDue,
    OutboxDue,
    PartitionsDue,
    PruningDue,
    RetentionDue,
    RollupsDue,
    StatisticsDue,
    ViewsDue,
)
from .servers import RegisterServer, ServerDiscovered
from .services import DeprovisionService, MigrateToSharedService, ProvisionService, RegisterService, ServiceUsed
from .users import ContinueErasure, EraseUser

CONTRACTS: Mapping[str, type[Message]] = MappingProxyType(
    {
        contract.wire_name: contract
        for contract in (
            CreateInstance,
            InstanceStarted,
            InstanceAccessed,
            InstanceStatsReported,
            RenewInstance,
            InstanceDisconnected,
            InstanceReconnected,
            InstanceFailed,
            RestoreInstance,
            DeleteInstance,
            InstancesExpiryDue,
            PortsReconcileDue,
            StoreApiKey,
            RevokeApiKey,
            KeyValidated,
            KeyRotationDue,
            RegisterService,
            ProvisionService,
            DeprovisionService,
            MigrateToSharedService,
            ServiceUsed,
            CheckHealth,
            HealthReported,
            HealthChecksDue,
            LogsEmitted,
            RegisterServer,
            ServerDiscovered,
            RequestsServed,
            MetricsSampled,
            ActionAudited,
            CallAudited,
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
            EraseUser,
            ContinueErasure,
        )
    }
)
"""Wire name to contract, in the order in which the documentation tells them."""
