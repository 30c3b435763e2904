"""Detached partitions into archives: written, read back, compared, and only then marked as archived."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import UUID, uuid4

from archives.errors import ArchiveError, PlaceUnusable, StoreRefused
from archives.parquet import Archive, write
from archives.rows import Column, Row, Tally
from archives.store import Store, sha256_of
from db.engine import Database
from db.errors import Conflict, DatabaseError, DatabaseUnavailable
from db.repositories.detached import Extent
from db.repositories.partitions import Detached
from db.repositories.runs import Outcome
from db.unit_of_work import UnitOfWork

Report: TypeAlias = Callable[[str], None]
Stopping: TypeAlias = Callable[[], bool]

TASK: Final = "archive-partitions"
BYTES_AT_ONCE: Final = 4 << 20
"""So much of a partition is read in one transaction and held in memory."""

_LEASE_SECONDS: Final = 120
_MARK_SECONDS: Final = 600


class ArchivingStopped(ArchiveError):
    """Somebody asked the process to end; the next run begins this archive anew."""


class ArchivingTaken(ArchiveError):
    """Another process writes this archive."""


class RowsChanged(ArchiveError):
    """The rows changed while they were archived, as those of a user who is erased do; the next run archives them."""


@dataclass(frozen=True)
class Shelved:
    """An archive that was compared with the partition and marked."""

    relation: str
    uri: str
    rows: int
    checksum: str
    sha256: str
    total_bytes: int

    def facts(self) -> dict[str, object]:
        """Give it for programs."""
        return {
            "relation": self.relation,
            "uri": self.uri,
            "rows": self.rows,
            "checksum": self.checksum,
            "sha256": self.sha256,
            "bytes": self.total_bytes,
        }


@dataclass(frozen=True)
class Source:
    """A partition that is read while this process holds its lease."""

    database: Database
    detached: Detached
    columns: Sequence[Column]
    extent: Extent
    holder: UUID
    stopping: Stopping
    bytes_at_once: int

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return [column.name for column in self.columns]

    def spans(self) -> Iterator[tuple[int, int]]:
        """Give the spans of blocks that are read at once, as many as hold so many bytes."""
        step = max(1, self.bytes_at_once * self.extent.blocks // max(self.extent.total_bytes, 1))
        for first in range(0, self.extent.blocks, step):
            yield first, min(first + step, self.extent.blocks)

    def go_on(self) -> None:
        """Take the lease, or say that it is still needed; raise if the process ends, or another has it."""
        with self.database.transaction() as uow:
            self._go_on(uow)

    def pages(self) -> Iterator[list[Row]]:
        """Give its rows, each page in a transaction of its own."""
        for first, last in self.spans():
            with self.database.transaction() as uow:
                self._go_on(uow)
                page = uow.detached.page(self.detached.relation, self.names, first=first, last=last)
            yield page

    def tally(self) -> Tally:
        """Have PostgreSQL add up the digests of its rows."""
        tally = Tally()
        for first, last in self.spans():
            with self.database.transaction() as uow:
                self._go_on(uow)
                tally.join(*uow.detached.tally(self.detached.relation, self.names, first=first, last=last))
        return tally

    def _go_on(self, uow: UnitOfWork) -> None:
        if self.stopping():
            raise ArchivingStopped(f"{self.detached.relation} is archived by the next run: this process ends.")
        if not uow.detached.lease(self.detached.relation, self.holder, seconds=_LEASE_SECONDS):
            raise ArchivingTaken(f"{self.detached.relation} is being archived by another process.")


@dataclass(frozen=True)
class Run:
    """What one run archived, what the next one tries again, and what somebody has to look at."""

    shelved: list[Shelved] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """What another process archives, which tells how that ends."""

    @property
    def problems(self) -> list[str]:
        """All that went wrong."""
        return [*self.failed, *self.waiting]

    @property
    def outcome(self) -> Outcome:
        """How the run ended."""
        return "failed" if self.failed else "waits" if self.waiting else "done"


def shelve_all(
    database: Database,
    store: Store,
    *,
    stopping: Stopping = lambda: False,
    report: Report = lambda _: None,
    bytes_at_once: int = BYTES_AT_ONCE,
) -> Run:
    """Archive what waits, the oldest first; what goes wrong is written down, and the next run carries on."""
    with database.transaction() as uow:
        waiting = uow.partitions.unarchived()
    run = Run()
    for detached in waiting:
        started_at = datetime.now(UTC)
        try:
            done = shelve(database, store, detached, stopping=stopping, report=report, bytes_at_once=bytes_at_once)
        except (ArchivingStopped, ArchivingTaken) as reason:
            report(str(reason))
            run.taken.append(str(reason))
        except (ArchiveError, DatabaseError) as error:
            note_failure(database, error, relation=detached.relation)
            (run.waiting if _outcome(error) == "waits" else run.failed).append(str(error))
            # Where one file has no place the next one has none either.
            if isinstance(error, StoreRefused | PlaceUnusable):
                break
        else:
            _note(database, done, started_at)
            run.shelved.append(done)
    return run


def shelve(
    database: Database,
    store: Store,
    detached: Detached,
    *,
    stopping: Stopping = lambda: False,
    report: Report = lambda _: None,
    bytes_at_once: int = BYTES_AT_ONCE,
) -> Shelved:
    """Archive one partition; it may be dropped after that, and not if anything of this raises."""
    holder = uuid4()
    name = name_of(detached, holder)
    with database.transaction() as uow:
        columns = [Column(*each) for each in uow.detached.columns(detached.relation)]
        extent = uow.detached.extent(detached.relation)
    source = Source(database, detached, columns, extent, holder, stopping, bytes_at_once)
    source.go_on()
    with store.create(name) as file:
        write(file, columns, _facts(detached), _told(source, report))
    try:
        done = _compared(source, store, name, report)
        store.finish(name)
        _mark(database, done)
    except DatabaseUnavailable:
        # It may be marked: whoever archives again writes another file.
        raise
    except Exception:
        store.discard(name)
        raise
    return done


def _compared(source: Source, store: Store, name: str, report: Report) -> Shelved:
    """Read the file back and compare it with the partition."""
    relation, uri = source.detached.relation, store.place.uri(name)
    with store.draft(name) as file:
        sha256, size = sha256_of(file)
    with store.draft(name) as file:
        written = tally_of(Archive(file, uri), each_page=source.go_on)
    report(f"{relation}: {written.rows:,} rows read back, comparing")
    there = source.tally()
    if written != there:
        raise RowsChanged(
            f"{relation} has {there.rows} rows ({there.checksum}) and its archive {written.rows}"
            f" ({written.checksum}): they changed meanwhile, the next run archives them again."
        )
    return Shelved(relation, uri, written.rows, written.checksum, sha256, size)


def name_of(detached: Detached, holder: UUID) -> str:
    """Name the file of a partition: each attempt has its own, so none can spoil what another has finished."""
    table = detached.relation.partition(".")[2]
    return f"{detached.parent}/{table}-{detached.detached_at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{holder.hex[:8]}.parquet"


def tally_of(archive: Archive, *, each_page: Callable[[], None]) -> Tally:
    """Add up the digests of the rows of a file."""
    tally = Tally()
    for page in archive.pages():
        each_page()
        tally.add(page)
    return tally


def _told(source: Source, report: Report) -> Iterator[list[Row]]:
    rows = 0
    for page in source.pages():
        rows += len(page)
        yield page
        report(f"{source.detached.relation}: {rows:,} rows written")


def _facts(detached: Detached) -> dict[str, str]:
    return {
        "relation": detached.relation,
        "parent": detached.parent,
        "range_from": detached.range_from.isoformat(),
        "range_to": detached.range_to.isoformat(),
    }


def _mark(database: Database, done: Shelved) -> None:
    with database.transaction() as uow:
        # All rows are counted once more, under a lock that keeps them as they are.
        uow.locks.take_time(_MARK_SECONDS)
        uow.partitions.mark_archived(done.relation, uri=done.uri, rows=done.rows, sha256=done.sha256)


def _note(database: Database, done: Shelved, started_at: datetime) -> None:
    with database.transaction() as uow:
        detail = {"archived": done.relation, "uri": done.uri, "rows": done.rows, "checksum": done.checksum}
        uow.runs.record(TASK, started_at, 1, detail, total_bytes=done.total_bytes)


def note_failure(database: Database, error: Exception, *, relation: str | None = None) -> None:
    """Write down that something kept partitions from being archived."""
    detail = {"problem": str(error)} if relation is None else {"relation": relation, "problem": str(error)}
    with database.transaction() as uow:
        uow.runs.record(TASK, datetime.now(UTC), 0, detail, outcome=_outcome(error))


def note_end(database: Database, run: Run) -> None:
    """Have the tick that began a run end as the run did, so that it is told like any other that failed."""
    problem = "; ".join(run.problems) or None
    if run.taken and problem is None:
        return
    with database.transaction() as uow:
        uow.ticks.note(TASK, fire_time=datetime.now(UTC), next_fire_time=None, outcome=run.outcome, problem=problem)


def _outcome(error: Exception) -> Outcome:
    return "waits" if isinstance(error, RowsChanged | Conflict) else "failed"
