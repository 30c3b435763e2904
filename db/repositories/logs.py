"""Lines that instances printed."""

from collections.abc import Collection, Mapping, Sequence
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
from db.looking import Arrivals, LogRow, Look, Wanted, Words, traces
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
_WANTED: Final = {
    # Most lines do not even hold the letters of the words, and splitting a line into words takes ten times as long as
    # seeing that.
    "wanted": """
        ((CAST(:levels AS text[]) IS NULL OR level = ANY (CAST(:levels AS text[])))
         AND (CAST(:words AS text) IS NULL
              OR (lower(message COLLATE "C") LIKE ANY (CAST(:traces AS text[]))
                  AND to_tsvector('simple', message) @@ websearch_to_tsquery('simple', CAST(:words AS text)))))
    """.strip()
}
_WORDS: Final = Statement(
    "logs.words", text("SELECT numnode(q), querytree(q) FROM websearch_to_tsquery('simple', :words) AS q")
)
_IN_ORDER: Final = Statement(
    "logs.read_in_order",
    text(
        """
        SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
               set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true)
        """
    ),
)
_LOOK: Final = from_file("logs.look", parts=_WANTED, anew=True)
_TROUBLES: Final = from_file("logs.troubles_of", anew=True)
_ARRIVED: Final = from_file("logs.arrived", parts=_WANTED, anew=True)
_NEWEST: Final = from_file("logs.newest", anew=True)
_HORIZON: Final = Statement(
    "logs.horizon", text("SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)"), anew=True
)

_instance_id: Final = lru_cache(10_000)(UUID)


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

    def words(self, text: str) -> Words | None:
        """Read words as people type them into search boxes; None if there are none."""
        ((nodes, tree),) = _WORDS.run(self._driver, words=storable(text)).fetchall()
        return Words(storable(text), traces(tree)) if nodes else None

    def read_in_order(self) -> None:
        """Have lines read through the index that has their order, until the transaction ends.

        Wherever the planner thinks an instance has few lines, it would read all of them, or everybody's, to sort them.
        """
        _IN_ORDER.run(self._driver)

    def look(
        self,
        instance_id: UUID,
        window: Window,
        wanted: Wanted,
        *,
        before: Mark | None = None,
        limit: int = 100,
        lines: int = 1_000,
    ) -> Look:
        """Look at so many lines of an instance, the newest first, and return those that are wanted.

        Pass the end of a look to go on from there.
        """
        values = {"instance_id": instance_id, "lines": lines, **wanted.values(), **window.values(before, limit)}
        return Look.of(_LOOK.run(self._driver, **values).fetchall(), lines)

    def troubles_of(
        self, user_id: UUID, window: Window, *, before: Mark | None = None, limit: int = 100
    ) -> list[LogRow]:
        """Return warnings and errors of all instances of a user, newest first."""
        return [LogRow(*row) for row in _TROUBLES.run(self._driver, user_id=user_id, **window.values(before, limit))]

    def horizon(self) -> str:
        """Return where transactions begin that this one does not see yet: what `arrived` of a later one asks for."""
        return str(_HORIZON.run(self._driver).fetchall()[0][0])

    def arrived(
        self,
        instance_id: UUID,
        window: Window,
        wanted: Wanted,
        *,
        horizon: str,
        seen: Collection[int] = (),
        after: Mark | None = None,
        lines: int = 10_000,
    ) -> Arrivals:
        """Look at so many lines of an instance, the oldest first, and return what came since the horizon.

        Lines of the transactions that were seen are left out.  Pass the end of a look to go on from there.
        """
        values = {"instance_id": instance_id, "lines": lines, "horizon": horizon, "seen": list(seen)}
        rows = _ARRIVED.run(self._driver, **values, **wanted.values(), **window.values_from(after)).fetchall()
        return Arrivals.of(rows, lines)

    def newest(self, instance_ids: Sequence[UUID], window: Window) -> dict[UUID, datetime]:
        """Return the time of the newest line of each of these instances that has one in the window."""
        values = {"instance_ids": list(instance_ids), "since": window.since, "until": window.until}
        return {row[0]: row[1] for row in _NEWEST.run(self._driver, **values)}
