"""What maintenance did."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import text

from db.statement import Driver, Statement
from db.storable import storable_json

_RECORD: Final = Statement(
    "runs.record",
    text(
        "INSERT INTO maintenance.runs (task, started_at, affected, detail)"
        " VALUES (:task, :started_at, :affected, CAST(:detail AS jsonb))"
    ),
)
_LAST: Final = Statement(
    "runs.last",
    text(
        """
        SELECT started_at, finished_at, affected, detail FROM maintenance.runs
         WHERE task = :task ORDER BY started_at DESC, id DESC LIMIT 1
        """
    ),
)


@dataclass(frozen=True, slots=True)
class LastRun:
    """What a task did when it last ran."""

    started_at: datetime
    finished_at: datetime
    affected: int
    detail: Mapping[str, object]

    def facts(self) -> dict[str, object]:
        """Give it for programs."""
        return {
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "affected": self.affected,
            "detail": dict(self.detail),
        }


class Runs:
    """The diary of maintenance: the last entry of a task tells whether it still runs."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def last(self, task: str) -> LastRun | None:
        """Return what a task did when it last ran."""
        row = _LAST.run(self._driver, task=task).fetchone()
        return None if row is None else LastRun(*row)

    def record(
        self, task: str, started_at: datetime, affected: int, detail: Mapping[str, object] | None = None
    ) -> None:
        """Write down that a task ran and how many rows or partitions it changed."""
        _RECORD.run(
            self._driver, task=task, started_at=started_at, affected=affected, detail=storable_json(dict(detail or {}))
        )
