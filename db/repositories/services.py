"""Shared services."""

from typing import Final, Literal

from sqlalchemy import text

from db.definitions import Definition
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

Registered = Literal["new", "changed", "unchanged"]

_REGISTER: Final = from_file("services.register")
_HOLD_PORTS: Final = Statement(
    "services.hold_ports", text("SELECT pg_advisory_xact_lock(hashtextextended('minimcp.service_ports', 0))")
)
_WATCH: Final = Statement(
    "services.watch",
    text("INSERT INTO service_health_status (service_type) VALUES (:service_type) ON CONFLICT DO NOTHING"),
)
_LONGEST_NAME: Final = 100
# Below the ports that the services of the specification have, and above those of dedicated instances.
_PORTS: Final = {"first_port": 40000, "last_port": 49151}


class Services:
    """What can be used by many users at once."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def hold_ports(self) -> None:
        """Keep others from giving out ports until the transaction ends."""
        _HOLD_PORTS.run(self._driver)

    def register(self, definition: Definition) -> Registered:
        """Add a service or bring it up to date; say which it was."""
        row = _REGISTER.run(
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
            **_PORTS,
        ).fetchone()
        _WATCH.run(self._driver, service_type=definition.service_type)
        return "unchanged" if row is None else "new" if row[0] else "changed"
