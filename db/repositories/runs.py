"""What maintenance did."""

from collections.abc import Mapping
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


class Runs:
    """The diary of maintenance: the last entry of a task tells whether it still runs."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def record(
        self, task: str, started_at: datetime, affected: int, detail: Mapping[str, object] | None = None
    ) -> None:
        """Write down that a task ran and how many rows or partitions it changed."""
        _RECORD.run(
            self._driver, task=task, started_at=started_at, affected=affected, detail=storable_json(dict(detail or {}))
        )
