"""Every contract, by wire name."""

from collections.abc import Mapping
from types import MappingProxyType

from ..message import Message
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
from .logs import LogsEmitted
from .maintenance import CacheExpiryDue, PartitionsDue, RetentionDue

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
            CheckHealth,
            HealthReported,
            HealthChecksDue,
            LogsEmitted,
            PartitionsDue,
            RetentionDue,
            CacheExpiryDue,
        )
    }
)
"""Wire name to contract, in the order in which the documentation tells them."""
