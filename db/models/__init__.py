"""The tables as the newest migration leaves them."""

from db.models.archives import InstanceArchive, McpTypeArchive
from db.models.base import Base
from db.models.bus import DeadLetterRow, InboxEntry, RedeliveryRow
from db.models.health import HealthCheck, InstanceHealth
from db.models.instances import Instance, InstanceEvent, McpType, PortAllocation, SystemSetting, User
from db.models.keys import ApiKey, ApiKeyValidation, EncryptionKey
from db.models.logs import LogLine, QuarantinedLine
from db.models.maintenance import DetachedPartition, RetentionPolicy, Run
from db.models.services import Service, ServiceHealth, ServiceUsage, UserService
from db.models.tenants import Membership, Organization, Tenant

__all__ = [
    "ApiKey",
    "ApiKeyValidation",
    "Base",
    "DeadLetterRow",
    "DetachedPartition",
    "EncryptionKey",
    "HealthCheck",
    "InboxEntry",
    "Instance",
    "InstanceArchive",
    "InstanceEvent",
    "InstanceHealth",
    "LogLine",
    "McpType",
    "McpTypeArchive",
    "Membership",
    "Organization",
    "PortAllocation",
    "QuarantinedLine",
    "RedeliveryRow",
    "RetentionPolicy",
    "Run",
    "Service",
    "ServiceHealth",
    "ServiceUsage",
    "SystemSetting",
    "Tenant",
    "User",
    "UserService",
]
