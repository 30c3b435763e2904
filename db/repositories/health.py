"""What probes found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from db.errors import telling_times
from db.repositories import known
from db.statement import Driver, from_file
from db.storable import storable_json

_RECORD: Final = from_file("health.record")


@dataclass(frozen=True, slots=True)
class HealthReportRow:
    """The outcome of one check in its slot."""

    instance_id: UUID
    scheduled_at: datetime
    verdict: str
    checked_at: datetime
    response_ms: float | None = None
    error: str | None = None
    era: str | None = None


@dataclass(frozen=True, slots=True)
class HealthRecorded:
    """How many slots were new, and whose instances do not exist."""

    slots: int
    unknown: tuple[UUID, ...]


class Health:
    """The history of checks and the verdict that holds now."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def record(self, reports: Sequence[HealthReportRow]) -> HealthRecorded:
        """Add checks to the history and let the newest slot of each instance be its verdict.

        A slot counts once however often it is reported, and in whatever order: every instance ends in the same state.
        """
        asked = {report.instance_id for report in reports}
        found = known.hold_alone(self._driver, asked)
        told = [report for report in reports if report.instance_id in found]
        return HealthRecorded(slots=self._store(told) if told else 0, unknown=tuple(sorted(asked - found)))

    def _store(self, reports: Sequence[HealthReportRow]) -> int:
        with telling_times("health_checks", (report.scheduled_at for report in reports)):
            cursor = _RECORD.run(self._driver, reports=storable_json([_row(report) for report in reports]))
        return int(cursor.fetchall()[0][0])


def _row(report: HealthReportRow) -> dict[str, object]:
    return {
        "mcp_instance_id": str(report.instance_id),
        "scheduled_at": report.scheduled_at.isoformat(),
        "verdict": report.verdict,
        "checked_at": report.checked_at.isoformat(),
        "response_ms": report.response_ms,
        "error": report.error,
        "era": report.era,
    }
