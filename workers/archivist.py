"""Archives what left its table: in a thread of its own, since one archive may take an hour."""

import logging
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from archives.errors import ArchiveError
from archives.place import Place
from db.engine import Database
from db.errors import DatabaseError

log: Final = logging.getLogger(__name__)

_STOP_SECONDS: Final = 20
_TASK: Final = "archive-partitions"


class Archivist(threading.Thread):
    """Begins when a tick wants it; asked to stop, it leaves a draft behind, which the next run replaces."""

    def __init__(self, database: Database, place: Place, wanted: threading.Event) -> None:
        super().__init__(name="archivist", daemon=True)
        self._database = database
        self._place = place
        self._wanted = wanted
        self._stopping = threading.Event()

    def run(self) -> None:
        """Wait to be wanted, again and again, until stopped."""
        while self._wanted.wait() and not self._stopping.is_set():
            self._wanted.clear()
            self.step()

    def step(self) -> None:
        """Archive what waits; what is in the way is in the history, and the next tick tries again."""
        try:
            for line in self._archived():
                log.warning("a partition cannot be archived: %s", line)
        except DatabaseError as error:
            log.warning("partitions cannot be archived, the next tick tries again: %s", error)
        except Exception:
            # Whatever a file system or a library raises, the worker goes on with its messages.
            log.exception("partitions cannot be archived, the next tick tries again")
            self._note("Something unforeseen kept partitions from being archived: see the log of the worker.")

    def _note(self, problem: str) -> None:
        now = datetime.now(UTC)
        with suppress(DatabaseError), self._database.transaction() as uow:
            uow.runs.record(_TASK, now, 0, {"problem": problem}, outcome="failed")
            uow.ticks.note(_TASK, fire_time=now, next_fire_time=None, outcome="failed", problem=problem)

    def _archived(self) -> list[str]:
        """Archive what waits; give what was in the way."""
        # Here, because Arrow takes 40 MB, which only a process that archives shall have.
        from archives.bucket import store_at  # noqa: PLC0415  see above
        from db import letters  # noqa: PLC0415  see above
        from db.shelving import Run, note_end, note_failure, shelve_all  # noqa: PLC0415  see above

        try:
            store = store_at(self._place)
        except ArchiveError as error:
            note_failure(self._database, error)
            run = Run(failed=[str(error)])
        else:
            letters.export(self._database, store, stopping=self._stopping.is_set)
            run = shelve_all(self._database, store, stopping=self._stopping.is_set, report=log.debug)
        note_end(self._database, run)
        for done in run.shelved:
            log.info("%s is archived: %d rows in %s", done.relation, done.rows, done.uri)
        return run.problems

    def stop(self) -> None:
        """End the thread at the end of the page that it is at."""
        self._stopping.set()
        self._wanted.set()
        if self.is_alive():
            self.join(_STOP_SECONDS)
