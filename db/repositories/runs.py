"""What maintenance did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from sqlalchemy import text

from db.statement import Driver, Statement
from db.storable import storable_json

Outcome = Literal["done", "waits", "failed"]
"""Of these, `waits` is tried again by the next run, and `failed` needs somebody who looks."""

_RECORD: Final = Statement(
    "runs.record",
    text(
        "INSERT INTO maintenance.runs (task, started_at, affected, bytes, outcome, detail)"
        " VALUES (:task, :started_at, :affected, :bytes, :outcome, CAST(:detail AS jsonb))"
    ),
)
_LATEST: Final = Statement(
    "runs.latest",
    text(
        """
        SELECT task, started_at, finished_at, affected, detail, bytes, outcome FROM maintenance.runs
         WHERE CAST(:task AS text) IS NULL OR task = CAST(:task AS text)
         ORDER BY started_at DESC, id DESC LIMIT CAST(:limit AS integer)
        """
    ),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a task did, and when."""

    task: str
    started_at: datetime
    finished_at: datetime
    affected: int
    detail: Mapping[str, object]
    bytes: int
    outcome: Outcome

    def facts(self) -> dict[str, object]:
        """Give it for programs."""
        return {
            "task": self.task,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "affected": self.affected,
            "bytes": self.bytes,
            "outcome": self.outcome,
            "detail": dict(self.detail),
        }


class Runs:
    """The diary of maintenance: the last entry of a task tells whether it still runs."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def latest(self, *, task: str | None = None, limit: int = 20) -> list[Entry]:
        """Return what was done last, by one task or all, the newest first."""
        return [Entry(*row) for row in _LATEST.run(self._driver, task=task, limit=limit)]

    def record(
        self,
        task: str,
        started_at: datetime,
        affected: int,
        detail: Mapping[str, object] | None = None,
        *,
        total_bytes: int = 0,
        outcome: Outcome = "done",
    ) -> None:
        """Write down how a task ended, and how many rows or partitions and bytes it changed."""
        _RECORD.run(
            self._driver,
            task=task,
            started_at=started_at,
            affected=affected,
            bytes=total_bytes,
            outcome=outcome,
            detail=storable_json(dict(detail or {})),
        )
