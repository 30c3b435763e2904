"""Shared services."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, cast
from uuid import UUID

from sqlalchemy import text

from db.definitions import Definition
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

Registered = Literal["new", "changed", "unchanged", "outdated"]

_REGISTER: Final = from_file("services.register")
_HOLD_PORTS: Final = Statement(
    "services.hold_ports", text("SELECT pg_advisory_xact_lock(hashtextextended('minimcp.service_ports', 0))")
)
_WATCH: Final = Statement(
    "services.watch",
    text("INSERT INTO service_health_status (service_type) VALUES (:service_type) ON CONFLICT DO NOTHING"),
)
_OF_USER: Final = Statement(
    "services.of_user",
    text(
        """
        SELECT u.instance_id, u.service_type, r.display_name, u.is_active, h.is_healthy, u.last_used_at, u.usage_count
          FROM user_service_instances u
          JOIN service_registry r ON r.service_type = u.service_type
          LEFT JOIN service_health_status h ON h.service_type = u.service_type
         WHERE u.user_id = :user_id AND u.is_active ORDER BY r.display_name, u.service_type
        """
    ),
)
_FIND_SHARE: Final = Statement(
    "services.find_share",
    text(
        """
        SELECT instance_id, user_id, service_type, encrypted_api_key, encryption_key_id, config
          FROM user_service_instances
         WHERE instance_id = :instance_id AND is_active
        """
    ),
)
_DASHBOARD: Final = Statement(
    "services.dashboard",
    text(
        """
        SELECT service_type, display_name, category, is_healthy, last_health_check, response_time_ms,
               consecutive_failures, uptime_percentage, active_users
          FROM service_health_dashboard ORDER BY category, display_name, service_type
        """
    ),
)
_CHECK_DUE: Final = Statement(
    "services.check_due",
    text(
        """
        SELECT h.service_type, r.port, r.base_url, r.health_check_endpoint
          FROM service_health_status h JOIN service_registry r ON r.service_type = h.service_type AND r.is_available
         WHERE h.last_health_check < :before ORDER BY h.last_health_check LIMIT CAST(:limit AS integer)
        """
    ),
)
_LONGEST_NAME: Final = 100
# Below the ports that the services of the specification have, and above those of dedicated instances.
_PORTS: Final = {"first_port": 40000, "last_port": 49151}


@dataclass(frozen=True, slots=True)
class Namesake:
    """A service of another name that is called the same in messages and URLs."""

    name: str


@dataclass(frozen=True, slots=True)
class Share:
    """A user's share of a service."""

    instance_id: str
    service_type: str
    display_name: str
    is_active: bool
    is_healthy: bool | None
    last_used_at: datetime | None
    usage_count: int


@dataclass(frozen=True, slots=True)
class SealedShare:
    """What a service needs to serve a share: whose it is, and the key of it, encrypted, if it has one."""

    instance_id: str
    user_id: UUID
    service_type: str
    encrypted_api_key: str | None
    encryption_key_id: str | None
    config: dict[str, object]


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How a service does and how many use it."""

    service_type: str
    display_name: str
    category: str | None
    is_healthy: bool | None
    last_health_check: datetime | None
    response_time_ms: int | None
    consecutive_failures: int | None
    uptime_percentage: Decimal | None
    active_users: int


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """Where a service is probed."""

    service_type: str
    port: int
    base_url: str | None
    health_check_endpoint: str


class Services:
    """What can be used by many users at once."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def hold_ports(self) -> None:
        """Keep others from giving out ports until the transaction ends."""
        _HOLD_PORTS.run(self._driver)

    def register(self, definition: Definition, *, said_at: datetime) -> Registered | Namesake:
        """Add a service or bring it up to date and say which it was; what is newer, or a namesake, stays as it is.

        To be called while the ports are held.
        """
        found = _REGISTER.run(
            self._driver,
            service_type=definition.service_type,
            name=storable(definition.name)[:_LONGEST_NAME],
            display_name=storable(definition.display_name),
            description=definition.description and storable(definition.description),
            icon_url=definition.icon_url and storable(definition.icon_url),
            category=definition.category and storable(definition.category),
            port=definition.port,
            base_url=definition.base_url and storable(definition.base_url),
            health_check_endpoint=storable(definition.health_check_endpoint),
            auth_type=storable(definition.auth_type),
            service_config=storable_json(dict(definition.service_config)),
            is_available=definition.is_available,
            said_at=said_at,
            **_PORTS,
        )
        ((outcome, present),) = found.fetchall()
        if outcome == "namesake":
            return Namesake(present)
        _WATCH.run(self._driver, service_type=definition.service_type)
        return cast("Registered", outcome)

    def of_user(self, user_id: UUID) -> list[Share]:
        """Return a user's active shares, by name."""
        return [Share(*row) for row in _OF_USER.run(self._driver, user_id=user_id)]

    def find_share(self, instance_id: str) -> SealedShare | None:
        """Return an active share by the id that is part of its URL."""
        row = _FIND_SHARE.run(self._driver, instance_id=instance_id).fetchone()
        return None if row is None else SealedShare(*row)

    def dashboard(self) -> list[ServiceStatus]:
        """Return how every service does, by category and name."""
        return [ServiceStatus(*row) for row in _DASHBOARD.run(self._driver)]

    def check_due(self, before: datetime, *, limit: int = 500) -> list[ServiceTarget]:
        """Return the services that were last checked before then, the longest ago first."""
        return [ServiceTarget(*row) for row in _CHECK_DUE.run(self._driver, before=before, limit=limit)]
