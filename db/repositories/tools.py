"""What servers offer: tools and resources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from db.statement import Driver, Statement, from_file, from_text
from db.storable import storable_json

_TOOL: Final = "server_id, name, description, tool_schema, total_calls, success_count, avg_execution_time"
_RESOURCE: Final = "server_id, uri_template, name, mime_type, total_accesses, avg_size_bytes"


def _tools(name: str, condition: str, order: str) -> Statement:
    return from_text(
        f"tools.{name}",
        "SELECT $tool FROM gateway.server_tools WHERE $condition ORDER BY $order",
        tool=_TOOL,
        condition=condition,
        order=order,
    )


def _resources(name: str, condition: str, order: str) -> Statement:
    return from_text(
        f"tools.{name}",
        "SELECT $resource FROM gateway.server_resources WHERE $condition ORDER BY $order",
        resource=_RESOURCE,
        condition=condition,
        order=order,
        anew=True,
    )


_OF_SERVER: Final = _tools("of_server", "server_id = :server_id", "name")
_OFFERING: Final = _tools("offering", "name = :name", "server_id LIMIT CAST(:limit AS integer)")
_PROVEN: Final = _tools(
    "proven",
    "name = :name AND total_calls > 0",
    "success_count DESC, avg_execution_time DESC LIMIT CAST(:limit AS integer)",
)
_BUSIEST: Final = _tools(
    "busiest", "total_calls > 0", "total_calls DESC, success_count DESC LIMIT CAST(:limit AS integer)"
)
_RESOURCES: Final = _resources("resources_of", "server_id = :server_id", "uri_template")
_SERVING: Final = _resources("serving", "uri_template = :uri_template", "server_id LIMIT CAST(:limit AS integer)")
_OF_KIND: Final = _resources(
    "of_kind",
    "mime_type = :mime_type AND (server_id, uri_template) > (:after_server, :after_uri)",
    "server_id, uri_template LIMIT CAST(:limit AS integer)",
)


_COUNT: Final = from_file("tools.count", anew=True)
_REFRESH: Final = from_file("tools.refresh")
_REFRESH_RESOURCES: Final = from_file("tools.refresh_resources")


@dataclass(frozen=True, slots=True)
class ToolState:
    """A tool of a server and how calling it went; the time is in milliseconds."""

    server_id: str
    name: str
    description: str | None
    tool_schema: dict[str, object]
    total_calls: int
    success_count: int
    avg_execution_time: float | None


@dataclass(frozen=True, slots=True)
class ResourceState:
    """A resource of a server."""

    server_id: str
    uri_template: str
    name: str | None
    mime_type: str | None
    total_accesses: int
    avg_size_bytes: int | None


class Tools:
    """What can be done and read, and where."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def of_server(self, server_id: str) -> list[ToolState]:
        """Return the tools of a server, by name."""
        return self._tools(_OF_SERVER, server_id=server_id)

    def offering(self, name: str, *, limit: int = 100) -> list[ToolState]:
        """Return the tools of that name, of whichever server."""
        return self._tools(_OFFERING, name=name, limit=limit)

    def proven(self, name: str, *, limit: int = 20) -> list[ToolState]:
        """Return the tools of that name that were called, those that succeeded most often first."""
        return self._tools(_PROVEN, name=name, limit=limit)

    def busiest(self, *, limit: int = 20) -> list[ToolState]:
        """Return the tools that are called most."""
        return self._tools(_BUSIEST, limit=limit)

    def resources_of(self, server_id: str) -> list[ResourceState]:
        """Return the resources of a server, by URI."""
        return self._resources(_RESOURCES, server_id=server_id)

    def serving(self, uri_template: str, *, limit: int = 100) -> list[ResourceState]:
        """Return the resources of that URI, of whichever server."""
        return self._resources(_SERVING, uri_template=uri_template, limit=limit)

    def of_kind(self, mime_type: str, *, after: ResourceState | None = None, limit: int = 100) -> list[ResourceState]:
        """Return the resources of a media type: pass the last of a page to get the next."""
        server_id, uri_template = (after.server_id, after.uri_template) if after else ("", "")
        values = {"mime_type": mime_type, "after_server": server_id, "after_uri": uri_template, "limit": limit}
        return self._resources(_OF_KIND, **values)

    def count(self, calls: Sequence[Mapping[str, object]]) -> None:
        """Count calls (server_id, name, succeeded, duration_ms) with the tools that their servers list."""
        if calls:
            _COUNT.run(self._driver, calls=storable_json(list(calls)))

    def refresh(self, server_id: str, tools: Sequence[Mapping[str, object]]) -> int:
        """Let a server's tools be these (name, description, schema); return how many were new or had changed."""
        row = _REFRESH.run(self._driver, server_id=server_id, tools=storable_json(list(tools))).fetchall()[0]
        return int(row[0])

    def refresh_resources(self, server_id: str, resources: Sequence[Mapping[str, object]]) -> int:
        """Let its resources be these (uri, name, description, mime_type); return how many were new or had changed."""
        written = storable_json(list(resources))
        row = _REFRESH_RESOURCES.run(self._driver, server_id=server_id, resources=written).fetchall()[0]
        return int(row[0])

    def _tools(self, statement: Statement, **values: object) -> list[ToolState]:
        return [ToolState(*row) for row in statement.run(self._driver, **values)]

    def _resources(self, statement: Statement, **values: object) -> list[ResourceState]:
        return [ResourceState(*row) for row in statement.run(self._driver, **values)]
