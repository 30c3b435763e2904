"""The gateway's servers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from db.statement import Driver, Row, Statement, from_file, from_text
from db.storable import storable, storable_json

_FIELDS: Final = """id, tenant_id, name, description, endpoint_url, transport_type, status, health_status, capabilities,
               tags, timeout_ms, avg_response_time, success_rate, last_health_check"""
_ADD: Final = from_file("servers.add")
_REGISTER: Final = from_file("servers.register")
_DESCRIBE: Final = Statement(
    "servers.describe",
    text(
        """
        UPDATE gateway.mcp_servers
           SET discovered_at = :said_at, version = coalesce(:version, version),
               capabilities = coalesce(CAST(:capabilities AS jsonb), capabilities)
         WHERE id = :server_id AND deleted_at IS NULL AND (discovered_at IS NULL OR discovered_at < :said_at)
        RETURNING id
        """
    ),
)
_SEARCH: Final = from_file("servers.search", anew=True)


def _select(name: str, condition: str, order: str = "", *, anew: bool = False) -> Statement:
    return from_text(
        f"servers.{name}",
        "SELECT $fields FROM gateway.mcp_servers WHERE $condition AND deleted_at IS NULL $order",
        fields=_FIELDS,
        condition=condition,
        order=order,
        anew=anew,
    )


_GET: Final = _select("get", "id = :server_id")
_AT: Final = _select("at", "endpoint_url = :endpoint_url AND transport_type = :transport_type", "ORDER BY id")
_OF_TENANT: Final = _select(
    "of_tenant", "tenant_id = :tenant_id AND name > :after", "ORDER BY name LIMIT CAST(:limit AS integer)"
)
_ROUTABLE: Final = _select(
    "routable",
    "tenant_id = :tenant_id AND status = 'active' AND health_status IN ('HEALTHY', 'DEGRADED', 'UNKNOWN')",
    "ORDER BY health_status = 'HEALTHY' DESC, avg_response_time NULLS LAST, id LIMIT CAST(:limit AS integer)",
)
_DISCOVER: Final = _select(
    "discover",
    "health_status = :health_status AND health_status IN ('HEALTHY', 'DEGRADED') AND transport_type = :transport_type",
    "ORDER BY avg_response_time, id LIMIT CAST(:limit AS integer)",
)
_CONFIGURED: Final = _select(
    "configured",
    "configuration @> CAST(:configuration AS jsonb) AND (name, id) > (:after_name, :after_id)",
    "ORDER BY name, id LIMIT CAST(:limit AS integer)",
    anew=True,
)
_TAGGED: Final = _select(
    "tagged",
    "tenant_id = :tenant_id AND tags @> CAST(:tags AS jsonb) AND name > :after",
    "ORDER BY name LIMIT CAST(:limit AS integer)",
)
_SLOW: Final = _select(
    "slow",
    "avg_response_time > CAST(:above_ms AS double precision)",
    "ORDER BY avg_response_time DESC, success_rate DESC LIMIT CAST(:limit AS integer)",
    anew=True,
)
_CHECK_DUE: Final = _select(
    "check_due",
    "last_health_check < :before AND status = 'active'",
    "ORDER BY last_health_check LIMIT CAST(:limit AS integer)",
)


@dataclass(frozen=True, slots=True)
class NewServer:
    """A server that the gateway is to route to; the times are in milliseconds."""

    id: str
    tenant_id: str | None
    name: str
    endpoint_url: str
    description: str | None = None
    transport_type: str = "http"
    status: str = "inactive"
    timeout_ms: int = 30_000
    expires_at: datetime | None = None
    tags: Sequence[str] = ()
    configuration: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ServerState:
    """A server, what people decided about it and what probes found."""

    id: str
    tenant_id: str | None
    name: str
    description: str | None
    endpoint_url: str
    transport_type: str
    status: str
    health_status: str
    capabilities: dict[str, object]
    tags: list[str]
    timeout_ms: int
    avg_response_time: float | None
    success_rate: float | None
    last_health_check: datetime | None


class Servers:
    """What the gateway routes to; servers that were deleted are not found."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def add(self, new: NewServer) -> None:
        """Enter a server; a bad URL, timeout, word or date makes it ValueRefused, a name in use ValueTaken."""
        _ADD.run(self._driver, **_values(new))

    def register(self, new: NewServer, *, said_at: datetime) -> bool:
        """Enter a server or bring it up to date; False if something newer was said, or if it is another tenant's."""
        return _REGISTER.run(self._driver, said_at=said_at, **_values(new)).fetchone() is not None

    def describe(
        self, server_id: str, *, version: str | None, capabilities: Mapping[str, object] | None, said_at: datetime
    ) -> bool:
        """Keep what a server says of itself; False if it said something newer, or if there is none."""
        cursor = _DESCRIBE.run(
            self._driver,
            server_id=server_id,
            version=version,
            capabilities=None if capabilities is None else storable_json(dict(capabilities)),
            said_at=said_at,
        )
        return cursor.fetchone() is not None

    def get(self, server_id: str) -> ServerState | None:
        """Return a server."""
        row = _GET.run(self._driver, server_id=server_id).fetchone()
        return None if row is None else _state(row)

    def at(self, endpoint_url: str, transport_type: str) -> list[ServerState]:
        """Return the servers that are reached there, of whatever tenant."""
        return self._all(_AT, endpoint_url=storable(endpoint_url), transport_type=transport_type)

    def of_tenant(self, tenant_id: str, *, after: str = "", limit: int = 100) -> list[ServerState]:
        """Return the servers of a tenant by name: pass the last name of a page to get the next."""
        return self._all(_OF_TENANT, tenant_id=tenant_id, after=after, limit=limit)

    def routable(self, tenant_id: str, *, limit: int = 100) -> list[ServerState]:
        """Return the active servers of a tenant that may be called, healthy and fast ones first."""
        return self._all(_ROUTABLE, tenant_id=tenant_id, limit=limit)

    def search(self, tenant_id: str, words: str, *, limit: int = 20) -> list[ServerState]:
        """Return the servers of a tenant and those of all whose name or description has the words, best first."""
        return self._all(_SEARCH, tenant_id=tenant_id, words=storable(words), limit=limit)

    def tagged(self, tenant_id: str, tags: Sequence[str], *, after: str = "", limit: int = 100) -> list[ServerState]:
        """Return the servers of a tenant that have all the tags, by name."""
        return self._all(_TAGGED, tenant_id=tenant_id, tags=storable_json(list(tags)), after=after, limit=limit)

    def configured(
        self, configuration: Mapping[str, object], *, after: ServerState | None = None, limit: int = 100
    ) -> list[ServerState]:
        """Return the servers whose configuration holds all of this, by name, for operators.

        Pass the last server of a page to get the next.
        """
        mark = {"after_name": after.name if after else "", "after_id": after.id if after else ""}
        return self._all(_CONFIGURED, configuration=storable_json(dict(configuration)), limit=limit, **mark)

    def discover(self, transport_type: str, *, health_status: str = "HEALTHY", limit: int = 20) -> list[ServerState]:
        """Return the fastest servers of a transport, HEALTHY ones or DEGRADED ones."""
        return self._all(_DISCOVER, transport_type=transport_type, health_status=health_status, limit=limit)

    def slow(self, *, above_ms: float, limit: int = 20) -> list[ServerState]:
        """Return the slowest servers that take longer than so many milliseconds on average."""
        return self._all(_SLOW, above_ms=above_ms, limit=limit)

    def check_due(self, before: datetime, *, limit: int = 500) -> list[ServerState]:
        """Return active servers that were last checked before then, the longest ago first."""
        return self._all(_CHECK_DUE, before=before, limit=limit)

    def _all(self, statement: Statement, **values: object) -> list[ServerState]:
        return [_state(row) for row in statement.run(self._driver, **values)]


def _state(row: Row) -> ServerState:
    return ServerState(*row)


def _values(new: NewServer) -> dict[str, object]:
    return {
        "server_id": new.id,
        "tenant_id": new.tenant_id,
        "name": storable(new.name),
        "description": new.description and storable(new.description),
        "endpoint_url": storable(new.endpoint_url),
        "transport_type": new.transport_type,
        "status": new.status,
        "timeout_ms": new.timeout_ms,
        "expires_at": new.expires_at,
        "tags": storable_json(list(new.tags)),
        "configuration": storable_json(dict(new.configuration or {})),
    }
