"""Requests that the gateway served."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from db.page import Mark, Window
from db.recording import Facts, record, recording
from db.statement import Driver, Statement, from_text

_FIELDS: Final = """id, request_id, tenant_id, user_id, method, path, target_server_id, request_time, duration_ms,
               status_code, error_type"""
_IN_WINDOW: Final = "request_time >= :since AND request_time < :until"


def _requests(name: str, condition: str, order: str) -> Statement:
    return from_text(
        f"requests.{name}",
        """
        SELECT $fields FROM gateway.request_logs WHERE $in_window AND $condition
         ORDER BY $order LIMIT CAST(:limit AS integer)         """,
        fields=_FIELDS,
        in_window=_IN_WINDOW,
        condition=condition,
        order=order,
        anew=True,
    )


_PAGE: Final = _requests(
    "page",
    "tenant_id = :tenant_id AND request_time <= :before_at AND (request_time, id) < (:before_at, :before_id)",
    "request_time DESC, id DESC",
)
_FIND: Final = _requests(
    "find", "request_id = :request_id AND tenant_id IS NOT DISTINCT FROM CAST(:tenant_id AS text)", "request_time"
)
_SLOWEST: Final = _requests("slowest", "target_server_id = :server_id AND duration_ms IS NOT NULL", "duration_ms DESC")
_FROM: Final = _requests(
    "from_address",
    "tenant_id = :tenant_id AND ip_address = CAST(:address AS inet) AND path = :path",
    "request_time DESC",
)
_ROUTE: Final = from_text(
    "requests.route",
    """
    SELECT target_server_id, count(*), avg(duration_ms)
      FROM gateway.request_logs
     WHERE $in_window AND tenant_id = :tenant_id AND path = :path AND method = :method AND status_code < 400
     GROUP BY target_server_id ORDER BY target_server_id     """,
    in_window=_IN_WINDOW,
    anew=True,
)
_DAYS: Final = from_text(
    "requests.days",
    """
    SELECT (request_time AT TIME ZONE 'UTC')::date AS day, count(*), count(*) FILTER (WHERE status_code >= 400)
      FROM gateway.request_logs
     WHERE $in_window AND tenant_id = :tenant_id
       AND (request_time AT TIME ZONE 'UTC')::date >= (CAST(:since AS timestamptz) AT TIME ZONE 'UTC')::date
     GROUP BY day ORDER BY day     """,
    in_window=_IN_WINDOW,
    anew=True,
)
_TABLE: Final = "gateway.request_logs"
_RECORD: Final = recording(
    "requests.record",
    _TABLE,
    id="uuid",
    request_id="text",
    tenant_id="text",
    user_id="uuid",
    ip_address="inet",
    method="text",
    path="text",
    query_params="jsonb",
    headers="jsonb",
    target_server_id="text",
    request_time="timestamptz",
    response_time="timestamptz",
    duration_ms="double precision",
    status_code="integer",
    response_size_bytes="bigint",
    error_type="text",
    error_message="text",
    request_metadata="jsonb",
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request and how it ended; the duration is in milliseconds."""

    id: UUID
    request_id: str
    tenant_id: str | None
    user_id: UUID | None
    method: str
    path: str
    target_server_id: str | None
    request_time: datetime
    duration_ms: float | None
    status_code: int | None
    error_type: str | None


@dataclass(frozen=True, slots=True)
class Route:
    """How a server answered a path."""

    server_id: str | None
    requests: int
    avg_duration_ms: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """What a tenant asked for on a day of UTC."""

    day: date
    requests: int
    errors: int


class Requests:
    """Append-only, always asked for by tenant or server and within a window of time."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def record(self, rows: Sequence[Facts]) -> None:
        """Store requests."""
        record(self._driver, _RECORD, rows, table=_TABLE, dated="request_time")

    def page(self, tenant_id: str, window: Window, *, before: Mark | None = None, limit: int = 100) -> list[Request]:
        """Return the requests of a tenant, newest first: pass the mark of the last of a page to get the next."""
        return self._requests(_PAGE, tenant_id=tenant_id, **window.values(before, limit))

    def find(self, request_id: str, tenant_id: str | None, window: Window, *, limit: int = 10) -> list[Request]:
        """Return the tries of a request that its tenant sent."""
        return self._requests(_FIND, request_id=request_id, tenant_id=tenant_id, **_bounds(window, limit))

    def slowest(self, server_id: str, window: Window, *, limit: int = 20) -> list[Request]:
        """Return the requests that a server took longest for."""
        return self._requests(_SLOWEST, server_id=server_id, **_bounds(window, limit))

    def from_address(
        self, tenant_id: str, address: str, path: str, window: Window, *, limit: int = 100
    ) -> list[Request]:
        """Return what an address asked a path for, newest first."""
        return self._requests(_FROM, tenant_id=tenant_id, address=address, path=path, **_bounds(window, limit))

    def route(self, tenant_id: str, method: str, path: str, window: Window) -> list[Route]:
        """Return how each server answered a path of a tenant, by what went well."""
        values = {"tenant_id": tenant_id, "method": method, "path": path}
        return [Route(*row) for row in _ROUTE.run(self._driver, since=window.since, until=window.until, **values)]

    def days(self, tenant_id: str, window: Window) -> list[Day]:
        """Return what a tenant asked for on each day of UTC."""
        values = {"tenant_id": tenant_id, "since": window.since, "until": window.until}
        return [Day(*row) for row in _DAYS.run(self._driver, **values)]

    def _requests(self, statement: Statement, **values: object) -> list[Request]:
        return [Request(*row) for row in statement.run(self._driver, **values)]


def _bounds(window: Window, limit: int) -> dict[str, object]:
    return {"since": window.since, "until": window.until, "limit": limit}
