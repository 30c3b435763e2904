"""Rows that are locked before several messages about them are applied in one transaction."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement

_HURRY: Final = Statement("locks.hurry", text("SELECT set_config('lock_timeout', :patience, true)"))
_TAKE_TIME: Final = Statement("locks.take_time", text("SELECT set_config('statement_timeout', :seconds, true)"))
_ALONE: Final = Statement(
    "locks.alone", text("SELECT pg_try_advisory_xact_lock(hashtextextended('minimcp.task:' || :task, 0))")
)
_OF_ONE_MOMENT: Final = Statement(
    "locks.be_of_one_moment", text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
)
_USERS: Final = Statement(
    "locks.users", text("SELECT FROM users WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE")
)
_INSTANCES: Final = Statement(
    "locks.instances",
    text("SELECT FROM mcp_instances WHERE id = ANY (CAST(:ids AS uuid[])) ORDER BY id FOR NO KEY UPDATE"),
)


class Locks:
    """Users before instances, and each in the order of their ids: whoever locks several does it so."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def hurry(self, patience_ms: int) -> None:
        """Wait for no row longer than so many milliseconds until the transaction ends; then it is a Conflict."""
        _HURRY.run(self._driver, patience=f"{patience_ms}ms")

    def take_time(self, seconds: int) -> None:
        """Let each statement last so long until the transaction ends."""
        _TAKE_TIME.run(self._driver, seconds=f"{seconds}s")

    def alone(self, task: str) -> bool:
        """Be the only one at a task until the transaction ends; False if another is."""
        return bool(_ALONE.run(self._driver, task=task).fetchall()[0][0])

    def be_of_one_moment(self) -> None:
        """Have all that the transaction reads be of one moment; to be said before it reads."""
        _OF_ONE_MOMENT.run(self._driver)

    def users(self, ids: Collection[UUID]) -> None:
        """Keep other transactions from changing these users."""
        self._lock(_USERS, ids)

    def instances(self, ids: Collection[UUID]) -> None:
        """Keep other transactions from changing these instances."""
        self._lock(_INSTANCES, ids)

    def _lock(self, statement: Statement, ids: Collection[UUID]) -> None:
        if ids:
            statement.run(self._driver, ids=list(ids))
