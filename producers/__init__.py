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
from .messages.health import CheckHealth, HealthReport, HealthReported, HealthTarget, Probe, Verdict
from .messages.instances import CreateInstance, DeleteInstance, InstanceFailed, InstancesExpiryDue, InstanceStarted
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
    "HealthReport",
    "HealthReported",
    "HealthTarget",
    "InstanceFailed",
    "InstanceStarted",
    "InstancesExpiryDue",
    "InvalidMessage",
    "InvalidUrl",
    "LogLine",
    "LogsEmitted",
    "Message",
    "MessageTooLarge",
    "NotDurable",
    "PartitionsDue",
    "Probe",
    "Producer",
    "ProducerError",
    "Queue",
    "RetentionDue",
    "Tick",
    "Verdict",
    "connect",
]
