"""Who used which shared service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import telling_times
from db.page import Mark, Window
from db.recording import Facts
from db.statement import Driver, Statement, from_file, from_text
from db.storable import storable_json

# Beyond these a use's own time is not believed.
_PAST: Final = timedelta(days=30)
_FUTURE: Final = timedelta(minutes=10)

_IN_WINDOW: Final = "timestamp >= :since AND timestamp < :until"
_SUMS: Final = "count(*), count(*) FILTER (WHERE status_code >= 400), avg(response_time_ms)::double precision"
_RECORD: Final = from_file("usage.record")
_QUARANTINE: Final = Statement(
    "usage.quarantine",
    text(
        """
        INSERT INTO service_usage_quarantine (id, instance_id, reason, payload)
        SELECT CAST(use ->> 'id' AS uuid), use ->> 'instance_id', :reason, use
          FROM jsonb_array_elements(CAST(:uses AS jsonb)) AS use
        """
    ),
)
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


@dataclass(frozen=True, slots=True)
class UseRow:
    """One call of a service as its server reported it; its id is the same on every delivery."""

    id: UUID
    share_id: str
    used_at: datetime
    reported_at: datetime
    endpoint: str | None = None
    method: str | None = None
    status_code: int | None = None
    response_time_ms: int | None = None
    error: str | None = None

    @property
    def is_believable(self) -> bool:
        """Tell whether the call can have been made when it says."""
        return self.reported_at - _PAST <= self.used_at <= self.reported_at + _FUTURE

    def facts(self) -> dict[str, object]:
        """Give it by the names of the columns."""
        return {
            "id": str(self.id),
            "instance_id": self.share_id,
            "endpoint": self.endpoint,
            "method": self.method,
            "status_code": self.status_code,
            "response_time_ms": self.response_time_ms,
            "error_message": self.error,
            "timestamp": self.used_at.isoformat(),
        }


class Usage:
    """Append-only, always asked for within a window of time."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def record(self, uses: Sequence[UseRow]) -> None:
        """Store calls and count them for their shares, which are held before."""
        with telling_times("service_usage_analytics", (use.used_at for use in uses)):
            share_ids = list({use.share_id for use in uses})
            _RECORD.run(self._driver, uses=storable_json([use.facts() for use in uses]), share_ids=share_ids)

    def quarantine(self, uses: Sequence[Facts], reason: str) -> None:
        """Keep calls that cannot be counted, with the reason; each has an `id` and an `instance_id`."""
        if uses:
            _QUARANTINE.run(self._driver, uses=storable_json(list(uses)), reason=reason)

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
