"""MiniMCP's client: enqueue what happens, or should happen, to a fleet of MCP servers."""

from .buffer import Buffer, Limits
from .errors import (
    BrokerFull,
    BrokerUnavailable,
    InvalidMessage,
    InvalidSealingKey,
    InvalidUrl,
    MessageTooLarge,
    NotDurable,
    ProducerError,
    QueueFull,
    SealingUnavailable,
)
from .logging_handler import BufferedHandler
from .message import Message
from .messages import CONTRACTS
from .messages.health import (
    CheckHealth,
    HealthChecksDue,
    HealthReport,
    HealthReported,
    HealthTarget,
    Probe,
    Verdict,
)
from .messages.instances import (
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
from .messages.keys import KeyRotationDue, KeyValidated, RevokeApiKey, StoreApiKey
from .messages.logs import LogLine, LogsEmitted
from .messages.maintenance import (
    AlertsDue,
    ArchiveDue,
    CacheExpiryDue,
    OutboxDue,
    PartitionsDue,
    PruningDue,
    RetentionDue,
    StatisticsDue,
    ViewsDue,
)
from .messages.services import (
    Continuation,
    DeprovisionService,
    MigrateToSharedService,
    ProvisionService,
    RegisterService,
    ServiceUsed,
    Use,
)
from .messages.tick import Tick
from .messages.users import ContinueErasure, EraseUser
from .outbox import enqueue
from .producer import CreatedInstance, Producer, ProvisionedService, connect
from .queues import Queue
from .sealing import SealedKey, SealingKey
from .shapes import LINES, USES
from .sigterm import exit_on_sigterm

__all__ = [
    "CONTRACTS",
    "LINES",
    "USES",
    "AlertsDue",
    "ArchiveDue",
    "BrokerFull",
    "BrokerUnavailable",
    "Buffer",
    "BufferedHandler",
    "CacheExpiryDue",
    "CheckHealth",
    "Continuation",
    "ContinueErasure",
    "CreateInstance",
    "CreatedInstance",
    "DeleteInstance",
    "DeprovisionService",
    "EraseUser",
    "HealthChecksDue",
    "HealthReport",
    "HealthReported",
    "HealthTarget",
    "InstanceAccessed",
    "InstanceDisconnected",
    "InstanceFailed",
    "InstanceReconnected",
    "InstanceStarted",
    "InstanceStatsReported",
    "InstancesExpiryDue",
    "InvalidMessage",
    "InvalidSealingKey",
    "InvalidUrl",
    "KeyRotationDue",
    "KeyValidated",
    "Limits",
    "LogLine",
    "LogsEmitted",
    "Message",
    "MessageTooLarge",
    "MigrateToSharedService",
    "NotDurable",
    "OutboxDue",
    "PartitionsDue",
    "PortsReconcileDue",
    "Probe",
    "Producer",
    "ProducerError",
    "ProvisionService",
    "ProvisionedService",
    "PruningDue",
    "Queue",
    "QueueFull",
    "RegisterService",
    "RenewInstance",
    "RestoreInstance",
    "RetentionDue",
    "RevokeApiKey",
    "SealedKey",
    "SealingKey",
    "SealingUnavailable",
    "ServiceUsed",
    "StatisticsDue",
    "StoreApiKey",
    "Tick",
    "Use",
    "Verdict",
    "ViewsDue",
    "connect",
    "enqueue",
    "exit_on_sigterm",
]
