"""The queues of the bus, one per family of message."""

from enum import StrEnum


class Queue(StrEnum):
    """A queue; its value is its name in Redis."""

    INSTANCES = "instances"
    KEYS = "keys"
    SERVICES = "services"
    HEALTH = "health"
    LOGS = "logs"
    LOGS_BULK = "logs_bulk"
    GATEWAY = "gateway"
    MAINTENANCE = "maintenance"
    USERS = "users"
