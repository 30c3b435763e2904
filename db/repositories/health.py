"""What probes found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import telling_times
from db.repositories import known
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

_RECORD: Final = from_file("health.record", parts={"alive": "'up', 'degraded', 'auth_required', 'restarted'"})
_HOLD: Final = Statement(
    "health.hold",
    text(
        "SELECT id, mcp_instance_id FROM health_targets WHERE id = ANY (CAST(:ids AS uuid[]))"
        " ORDER BY id FOR NO KEY UPDATE"
    ),
)
_INSTANCES_OF: Final = Statement(
    "health.instances_of",
    text(
        "SELECT mcp_instance_id FROM health_targets"
        " WHERE id = ANY (CAST(:ids AS uuid[])) AND mcp_instance_id IS NOT NULL"
    ),
)
_TELL_INSTANCES: Final = Statement(
    "health.tell_instances",
    text(
        """
        UPDATE mcp_instances i SET last_health_check = greatest(i.last_health_check, t.checked_at)
          FROM health_targets t WHERE t.id = ANY (CAST(:ids AS uuid[])) AND i.id = t.mcp_instance_id
        """
    ),
)
_TELL_SERVICES: Final = from_file("health.tell_services")
_TELL_SERVERS: Final = from_file("health.tell_servers")
_NOTE_TOOLS: Final = Statement(
    "health.note_tools",
    text(
        """
        UPDATE health_targets t SET tool_count = coalesce(l.tools, t.tool_count), listed_at = now()
          FROM unnest(CAST(:ids AS uuid[]), CAST(:tools AS integer[])) AS l (id, tools) WHERE t.id = l.id
        """
    ),
)


@dataclass(frozen=True, slots=True)
class HealthReportRow:
    """The outcome of one check of a target in its slot."""

    target_id: UUID
    scheduled_at: datetime
    verdict: str
    checked_at: datetime
    response_ms: float | None = None
    error: str | None = None
    era: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a target stands after a report; ``turn`` is 'lost' or 'back' when its circuit breaker opened or closed."""

    target_id: UUID
    kind: str
    instance_id: UUID | None
    service_type: str | None
    server_id: str | None
    turn: str | None
    failures: int
    verdict: str
    error: str | None
    slot: datetime
    slots: int
    instance_status: str | None


@dataclass(frozen=True, slots=True)
class HealthRecorded:
    """What became of the targets with slots that were new, and which targets do not exist."""

    standings: tuple[Standing, ...]
    unknown: tuple[UUID, ...]

    @property
    def slots(self) -> int:
        """How many slots were new."""
        return sum(standing.slots for standing in self.standings)


class Health:
    """The history of checks and the verdict that holds now."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def record(self, reports: Sequence[HealthReportRow]) -> HealthRecorded:
        """Add checks to the history and let the newest slot of each target be its verdict.

        A slot counts once however often it is reported, and in whatever order: verdict and counts end the same.
        """
        asked = {report.target_id for report in reports}
        # Instances before targets, and each in the order of their ids, so that two batches never wait in a circle.
        instances = {row[0] for row in _INSTANCES_OF.run(self._driver, ids=list(asked))}
        if instances:
            known.hold_alone(self._driver, instances)
        found = {row[0] for row in _HOLD.run(self._driver, ids=list(asked))}
        told = [report for report in reports if report.target_id in found]
        standings = self._store(told) if told else []
        self._tell(standings)
        return HealthRecorded(tuple(standings), unknown=tuple(sorted(asked - found)))

    def note_tools(self, listed: Sequence[tuple[UUID, int | None]]) -> None:
        """Note how many tools targets listed; None when they could not be counted."""
        if listed:
            ids, tools = zip(*listed, strict=True)
            _NOTE_TOOLS.run(self._driver, ids=list(ids), tools=list(tools))

    def _store(self, reports: Sequence[HealthReportRow]) -> list[Standing]:
        with telling_times("health_checks", (report.scheduled_at for report in reports)):
            cursor = _RECORD.run(self._driver, reports=storable_json([_row(report) for report in reports]))
        return [Standing(*row) for row in cursor]

    def _tell(self, standings: Collection[Standing]) -> None:
        """Keep what instances, services and servers say of their health in step."""
        for kinds, statement in _TOLD:
            ids = [standing.target_id for standing in standings if standing.kind in kinds]
            if ids:
                statement.run(self._driver, ids=ids)


_TOLD: Final = (
    (("instance", "process"), _TELL_INSTANCES),
    (("service",), _TELL_SERVICES),
    (("server",), _TELL_SERVERS),
)


def _row(report: HealthReportRow) -> dict[str, object]:
    return {
        "target_id": str(report.target_id),
        "scheduled_at": report.scheduled_at.isoformat(),
        "verdict": report.verdict,
        "checked_at": report.checked_at.isoformat(),
        "response_ms": report.response_ms,
        "error": None if report.error is None else storable(report.error),
        "era": report.era,
    }
