"""Lines that instances printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.errors import telling_times
from db.page import Mark, Window
from db.repositories import known
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

# Beyond these a line's own time is not believed.
_PAST: Final = timedelta(days=30)
_FUTURE: Final = timedelta(minutes=10)

_STORE: Final = Statement(
    "logs.ingest",
    # The server parses the batch: as fast as COPY into a staging table for a thousand lines, twice as fast for ten,
    # and no temporary table to make (COPY itself is refused on a table with row level security).
    text(
        """
        INSERT INTO mcp_logs (id, mcp_instance_id, timestamp, level, source, message, metadata)
        SELECT id, mcp_instance_id, timestamp, level, source, message, metadata
          FROM json_to_recordset(CAST(:lines AS json)) AS line (
               id uuid, mcp_instance_id uuid, timestamp timestamptz, level text, source text, message text,
               metadata jsonb)
        """
    ),
)
_QUARANTINE: Final = Statement(
    "logs.quarantine",
    text(
        """
        INSERT INTO log_quarantine (message_id, line_number, mcp_instance_id, reason, payload)
        SELECT message_id, line_number, mcp_instance_id, :reason, payload
          FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS line (
               message_id uuid, line_number integer, mcp_instance_id uuid, payload jsonb)
         ORDER BY message_id, line_number
        """
    ),
)
_LEVELS: Final = Statement(
    "logs.levels",
    text(
        """
        SELECT mcp_instance_id, level, count(*) FROM mcp_logs
         WHERE mcp_instance_id = ANY (:instance_ids) AND timestamp >= :since
         GROUP BY mcp_instance_id, level ORDER BY mcp_instance_id, level
        """
    ),
)
_REASONS: Final = Statement(
    "logs.reasons",
    text(
        """
        SELECT reason, count(*), count(DISTINCT mcp_instance_id), max(created_at) FROM log_quarantine
         WHERE created_at >= :since
         GROUP BY reason ORDER BY count(*) DESC, reason
        """
    ),
)
_PAGE: Final = from_file("logs.page", anew=True)
_TROUBLES: Final = from_file("logs.troubles_of", anew=True)
_ARRIVED: Final = from_file("logs.arrived", anew=True)
_NEWEST: Final = from_file("logs.newest", anew=True)
_HORIZON: Final = Statement(
    "logs.horizon", text("SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)"), anew=True
)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line as its instance printed it; its id is the same on every delivery."""

    id: UUID
    instance_id: UUID
    timestamp: datetime
    level: str
    source: str
    message: str
    metadata: Mapping[str, object]
    number: int = field(default=0, compare=False)
    """Its place in the batch that it came in, from 1."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that came in one message, and the producer's stamp on it."""

    message_id: UUID
    received_at: datetime
    rows: Sequence[LogRow]


@dataclass(frozen=True, slots=True)
class StrayLine:
    """A line that cannot be stored as one of an instance, and where it came from."""

    message_id: UUID
    number: int
    instance_id: UUID | None
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """How many lines are in quarantine for a reason, of how many instances, and when the last came."""

    reason: str
    lines: int
    instances: int
    last_at: datetime


@dataclass(frozen=True, slots=True)
class IngestReport:
    """Where the lines of a batch went."""

    stored: int
    quarantined: int


class Logs:
    """Append-only lines, always asked for by instance."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def ingest(self, batches: Sequence[Batch]) -> IngestReport:
        """Store batches; lines of unknown instances are put in quarantine.

        A line whose own time is far from the stamp of its batch gets that time, and keeps its own in
        `metadata.original_timestamp`.
        """
        found = known.hold(self._driver, (row.instance_id for batch in batches for row in batch.rows))
        stored: list[dict[str, object]] = []
        stray: list[StrayLine] = []
        for batch in batches:
            for row in batch.rows:
                line = _line(row, batch.received_at)
                if row.instance_id in found:
                    stored.append(line)
                else:
                    stray.append(StrayLine(batch.message_id, row.number, row.instance_id, line))
        if stored:
            with telling_times("mcp_logs", (datetime.fromisoformat(str(line["timestamp"])) for line in stored)):
                _STORE.run(self._driver, lines=storable_json(stored))
        if stray:
            self.quarantine("unknown-instance", stray)
        return IngestReport(stored=len(stored), quarantined=len(stray))

    def quarantine(self, reason: str, lines: Sequence[StrayLine]) -> None:
        """Put lines where people find those that could not be stored."""
        rows = [
            {
                "message_id": str(line.message_id),
                "line_number": line.number,
                "mcp_instance_id": None if line.instance_id is None else str(line.instance_id),
                "payload": line.payload,
            }
            for line in lines
        ]
        _QUARANTINE.run(self._driver, lines=storable_json(rows), reason=reason)

    def reasons(self, *, since: datetime) -> list[Quarantined]:
        """Return why lines went into quarantine since then, the most frequent reason first."""
        return [Quarantined(*row) for row in _REASONS.run(self._driver, since=since)]

    def levels(self, instance_ids: Sequence[UUID], *, since: datetime) -> dict[UUID, dict[str, int]]:
        """Return how many lines of each level these instances printed since then."""
        counts: dict[UUID, dict[str, int]] = {}
        for instance_id, level, count in _LEVELS.run(self._driver, instance_ids=list(instance_ids), since=since):
            counts.setdefault(instance_id, {})[level] = count
        return counts

    def page(
        self,
        instance_id: UUID,
        window: Window,
        *,
        levels: Sequence[str] | None = None,
        words: str | None = None,
        before: Mark | None = None,
        limit: int = 100,
    ) -> list[LogRow]:
        """Return lines of an instance, newest first: of these levels only, or with all of these words only.

        Pass the mark of the last of a page to get the next.
        """
        cursor = _PAGE.run(
            self._driver,
            instance_id=instance_id,
            levels=None if levels is None else list(levels),
            words=None if words is None else storable(words),
            **window.values(before, limit),
        )
        return [LogRow(*row) for row in cursor]

    def troubles_of(
        self, user_id: UUID, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[LogRow]:
        """Return warnings and errors of all instances of a user, newest first."""
        return [LogRow(*row) for row in _TROUBLES.run(self._driver, user_id=user_id, **window.values(before, limit))]

    def horizon(self) -> str:
        """Return where lines begin that this transaction does not see yet: what `arrived` of a later one asks for."""
        return str(_HORIZON.run(self._driver).fetchall()[0][0])

    def arrived(
        self,
        bounds: Mapping[UUID, datetime],
        window: Window,
        *,
        horizon: str,
        levels: Sequence[str] | None = None,
        words: str | None = None,
    ) -> list[LogRow]:
        """Return all lines that were committed since the horizon, of each instance those from its bound on.

        They are in the order of their times; a few that were seen before may be among them.
        """
        cursor = _ARRIVED.run(
            self._driver,
            instance_ids=list(bounds),
            bounds=list(bounds.values()),
            since=window.since,
            until=window.until,
            horizon=horizon,
            levels=None if levels is None else list(levels),
            words=None if words is None else storable(words),
        )
        return [LogRow(*row) for row in cursor]

    def newest(self, instance_ids: Sequence[UUID], window: Window) -> dict[UUID, datetime]:
        """Return the time of the newest line of each of these instances that has one in the window."""
        values = {"instance_ids": list(instance_ids), "since": window.since, "until": window.until}
        return {row[0]: row[1] for row in _NEWEST.run(self._driver, **values)}


def _line(row: LogRow, received_at: datetime) -> dict[str, object]:
    believed = received_at - _PAST <= row.timestamp <= received_at + _FUTURE
    at = row.timestamp if believed else received_at
    metadata = row.metadata if believed else {**row.metadata, "original_timestamp": row.timestamp.isoformat()}
    return {
        "id": str(row.id),
        "mcp_instance_id": str(row.instance_id),
        "timestamp": at.isoformat(),
        "level": row.level,
        "source": row.source,
        "message": row.message,
        "metadata": metadata,
    }
