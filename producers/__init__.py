"""MiniMCP's client: enqueue what happens, or should happen, to a fleet of MCP servers."""

from .errors import (
    BrokerFull,
    BrokerUnavailable,
    InvalidMessage,
    InvalidUrl,
    MessageTooLarge,
    NotDurable,
    ProducerError,
)
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
from .messages.logs import LogLine, LogsEmitted
from .messages.maintenance import CacheExpiryDue, PartitionsDue, RetentionDue
from .messages.tick import Tick
from .producer import CreatedInstance, Producer, connect
from .queues import Queue

__all__ = [
    "CONTRACTS",
    "BrokerFull",
    "BrokerUnavailable",
    "CacheExpiryDue",
    "CheckHealth",
    "CreateInstance",
    "CreatedInstance",
    "DeleteInstance",
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
    "InvalidUrl",
    "LogLine",
    "LogsEmitted",
    "Message",
    "MessageTooLarge",
    "NotDurable",
    "PartitionsDue",
    "PortsReconcileDue",
    "Probe",
    "Producer",
    "ProducerError",
    "Queue",
    "RenewInstance",
    "RestoreInstance",
    "RetentionDue",
    "Tick",
    "Verdict",
    "connect",
]
