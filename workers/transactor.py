"""Transactions that are tried again when only their moment was wrong."""

import random
import time
from collections.abc import Callable
from typing import Final, TypeVar

from db.engine import Database
from db.errors import Conflict, PartitionMissing, PortsMissing
from db.unit_of_work import UnitOfWork

T = TypeVar("T")

_TRIES: Final = 5


class Transactor:
    """Runs work in a transaction, again after a conflict and after making what was missing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def run(self, work: Callable[[UnitOfWork], T]) -> T:
        """Give back what the work returned once it is committed; other errors come out as they are."""
        for attempt in range(1, _TRIES):
            try:
                return self._once(work)
            except PartitionMissing as missing:
                self._make_partition(missing)
            except PortsMissing as missing:
                self._open_host(missing.host_id)
            except Conflict:
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311  jitter, not a secret
        return self._once(work)

    def _once(self, work: Callable[[UnitOfWork], T]) -> T:
        with self._database.transaction() as uow:
            return work(uow)

    def _make_partition(self, missing: PartitionMissing) -> None:
        with self._database.transaction() as uow:
            if missing.table is None or missing.at is None:
                uow.partitions.ensure()
            else:
                uow.partitions.ensure_for(missing.table, missing.at)

    def _open_host(self, host_id: str) -> None:
        with self._database.transaction() as uow:
            uow.ports.open(host_id)
