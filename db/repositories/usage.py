"""Who used which shared service."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from db.page import Mark, Window
from db.statement import Driver, from_text

_IN_WINDOW: Final = "timestamp >= :since AND timestamp < :until"
_SUMS: Final = "count(*), count(*) FILTER (WHERE status_code >= 400), avg(response_time_ms)::double precision"
_BY_SERVICE: Final = from_text(
    "usage.by_service",
    """
    SELECT service_type, $sums FROM service_usage_analytics
     WHERE $in_window GROUP BY service_type ORDER BY service_type     """,
    sums=_SUMS,
    in_window=_IN_WINDOW,
    anew=True,
)
_OF_USER: Final = from_text(
    "usage.of_user",
    """
    SELECT service_type, $sums FROM service_usage_analytics
     WHERE user_id = :user_id AND $in_window GROUP BY service_type ORDER BY service_type     """,
    sums=_SUMS,
    in_window=_IN_WINDOW,
    anew=True,
)
_DAYS: Final = from_text(
    "usage.days",
    """
    SELECT created_date, $sums FROM service_usage_analytics
     WHERE user_id = :user_id AND service_type = :service_type AND $in_window
     GROUP BY created_date ORDER BY created_date     """,
    sums=_SUMS,
    in_window=_IN_WINDOW,
    anew=True,
)
_PAGE: Final = from_text(
    "usage.page",
    """
    SELECT id, service_type, instance_id, endpoint, method, status_code, response_time_ms, timestamp
      FROM service_usage_analytics
     WHERE user_id = :user_id AND service_type = :service_type AND $in_window
       AND timestamp <= :before_at AND (timestamp, id) < (:before_at, :before_id)
     ORDER BY timestamp DESC, id DESC LIMIT CAST(:limit AS integer)     """,
    in_window=_IN_WINDOW,
    anew=True,
)


@dataclass(frozen=True, slots=True)
class ServiceSum:
    """How often a service was called, how often in vain, and how many milliseconds it took on average."""

    service_type: str
    calls: int
    errors: int
    avg_response_ms: float | None


@dataclass(frozen=True, slots=True)
class DaySum:
    """The same of a day of UTC."""

    day: date
    calls: int
    errors: int
    avg_response_ms: float | None


@dataclass(frozen=True, slots=True)
class Use:
    """One call of a service."""

    id: UUID
    service_type: str
    instance_id: str
    endpoint: str | None
    method: str | None
    status_code: int | None
    response_time_ms: int | None
    timestamp: datetime


class Usage:
    """Append-only, always asked for within a window of time."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def by_service(self, window: Window) -> list[ServiceSum]:
        """Return how every service was used, for operators."""
        return [ServiceSum(*row) for row in _BY_SERVICE.run(self._driver, since=window.since, until=window.until)]

    def of_user(self, user_id: UUID, window: Window) -> list[ServiceSum]:
        """Return how a user used every service."""
        values = {"user_id": user_id, "since": window.since, "until": window.until}
        return [ServiceSum(*row) for row in _OF_USER.run(self._driver, **values)]

    def days(self, user_id: UUID, service_type: str, window: Window) -> list[DaySum]:
        """Return how a user used a service, day by day of UTC."""
        values = {"user_id": user_id, "service_type": service_type, "since": window.since, "until": window.until}
        return [DaySum(*row) for row in _DAYS.run(self._driver, **values)]

    def page(
        self, user_id: UUID, service_type: str, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[Use]:
        """Return a user's calls of a service, newest first: pass the mark of the last of a page to get the next."""
        values = {"user_id": user_id, "service_type": service_type, **window.values(before, limit)}
        return [Use(*row) for row in _PAGE.run(self._driver, **values)]
