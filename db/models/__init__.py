"""The tables as the newest migration leaves them."""

from db.models.access import EnhancedKey, GatewayKey, ServerAccess, Session
from db.models.archives import ApiKeyArchive, InstanceArchive, InstanceEventArchive, McpTypeArchive
from db.models.audit import AuditEntry
from db.models.base import Base
from db.models.bus import DeadLetterRow, InboxEntry, MessageContract, OutboxRow, RedeliveryRow
from db.models.erasures import Erasure, UserReference
from db.models.gateway import (
    GatewayAudit,
    GatewayConfig,
    MaterializedView,
    ProtocolCall,
    QuarantinedRecord,
    RequestLog,
    RoutingRule,
)
from db.models.health import HealthCheck, HealthHour, HealthTarget, ProberRow
from db.models.instances import Instance, InstanceEvent, McpType, PortAllocation, SystemSetting, User
from db.models.keys import ApiKey, ApiKeyValidation, EncryptionKey, SecretCheck
from db.models.logs import LogLine, QuarantinedLine
from db.models.maintenance import DetachedPartition, RetentionPolicy, Run, Tick
from db.models.operation import CircuitBreaker, ConnectionPool, PerformanceAlert, RequestQueue, ServerMetric
from db.models.retention import LegalHold, RowPolicy
from db.models.rollups import MetricRollup, RequestRollup, RequestUser, RollupHour, RollupMark, UsageRollup
from db.models.seals import AuditBlock, AuditMark
from db.models.servers import Server, ServerResource, ServerTool
from db.models.services import QuarantinedUse, Service, ServiceHealth, ServiceUsage, SharedMove, UserService
from db.models.tenants import Membership, Organization, Tenant

__all__ = [
    "ApiKey",
    "ApiKeyArchive",
    "ApiKeyValidation",
    "AuditBlock",
    "AuditEntry",
    "AuditMark",
    "Base",
    "CircuitBreaker",
    "ConnectionPool",
    "DeadLetterRow",
    "DetachedPartition",
    "EncryptionKey",
    "EnhancedKey",
    "Erasure",
    "GatewayAudit",
    "GatewayConfig",
    "GatewayKey",
    "HealthCheck",
    "HealthHour",
    "HealthTarget",
    "InboxEntry",
    "Instance",
    "InstanceArchive",
    "InstanceEvent",
    "InstanceEventArchive",
    "LegalHold",
    "LogLine",
    "MaterializedView",
    "McpType",
    "McpTypeArchive",
    "Membership",
    "MessageContract",
    "MetricRollup",
    "Organization",
    "OutboxRow",
    "PerformanceAlert",
    "PortAllocation",
    "ProberRow",
    "ProtocolCall",
    "QuarantinedLine",
    "QuarantinedRecord",
    "QuarantinedUse",
    "RedeliveryRow",
    "RequestLog",
    "RequestQueue",
    "RequestRollup",
    "RequestUser",
    "RetentionPolicy",
    "RollupHour",
    "RollupMark",
    "RoutingRule",
    "RowPolicy",
    "Run",
    "SecretCheck",
    "Server",
    "ServerAccess",
    "ServerMetric",
    "ServerResource",
    "ServerTool",
    "Service",
    "ServiceHealth",
    "ServiceUsage",
    "Session",
    "SharedMove",
    "SystemSetting",
    "Tenant",
    "Tick",
    "UsageRollup",
    "User",
    "UserReference",
    "UserService",
]
