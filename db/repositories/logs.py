"""Lines that instances printed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db import arrays
from db.errors import telling_times
from db.lines import Batch, StrayLine
from db.page import Mark, Window
from db.repositories import known
from db.statement import Driver, Statement, from_file
from db.storable import storable, storable_json

_STORE: Final = Statement(
    "logs.ingest",
    # A column is an array in binary: within a tenth of COPY, which is refused on a table with row level security, in
    # one round trip, without a table to stage in.  In the list, unlike in FROM, unnest() keeps nothing of its own.
    text(
        """
        INSERT INTO mcp_logs (id, mcp_instance_id, timestamp, level, source, message, metadata)
        SELECT unnest(:ids), unnest(:instance_ids), unnest(:timestamps), unnest(:levels), unnest(:sources),
               unnest(:messages), unnest(:metadata)
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

_instance_id: Final = lru_cache(10_000)(UUID)


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line as its instance printed it."""

    id: UUID
    instance_id: UUID
    timestamp: datetime
    level: str
    source: str
    message: str
    metadata: Mapping[str, object]


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
        wanted = {text: _instance_id(text) for batch in batches for text in set(batch.instance_ids)}
        found = known.hold(self._driver, wanted.values())
        known_ids = {text: each.bytes for text, each in wanted.items() if each in found}
        batches = [batch.believed() for batch in batches]
        strays: list[StrayLine] = []
        if len(known_ids) < len(wanted):
            strays = [stray for batch in batches for stray in batch.strays(known_ids)]
            self.quarantine("unknown-instance", strays)
            batches = [batch.without_strays(known_ids) for batch in batches]
        return IngestReport(stored=self._store(batches, known_ids), quarantined=len(strays))

    def _store(self, batches: Sequence[Batch], known_ids: Mapping[str, bytes]) -> int:
        stored = sum(map(len, batches))
        if stored:
            with telling_times("mcp_logs", chain.from_iterable(batch.timestamps for batch in batches)):
                _STORE.run(
                    self._driver,
                    ids=arrays.UuidArray.of([arrays.uuids(batch.ids) for batch in batches]),
                    instance_ids=arrays.UuidArray.of(
                        [arrays.uuids(map(known_ids.__getitem__, batch.instance_ids)) for batch in batches]
                    ),
                    timestamps=arrays.TimeArray.of([arrays.times(batch.counts) for batch in batches]),
                    levels=arrays.TextArray.of([arrays.words(batch.levels) for batch in batches]),
                    sources=arrays.TextArray.of([arrays.words(batch.sources) for batch in batches]),
                    messages=arrays.TextArray.of([arrays.texts(batch.messages) for batch in batches]),
                    metadata=arrays.JsonbArray.of([arrays.jsons(batch.metadata) for batch in batches]),
                )
        return stored

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
