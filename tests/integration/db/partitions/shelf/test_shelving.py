"""What must be archived is written as Parquet, read back and compared before it may be dropped."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import psycopg
import pytest

from archives import parquet
from archives.errors import ArchiveDamaged, PlaceUnusable, StoreRefused
from archives.parquet import Archive
from archives.place import Place
from archives.store import Folder
from db import shelving
from db.engine import Database
from db.repositories.partitions import Detached, RetentionStep
from db.shelving import ArchivingStopped, shelve, shelve_all
from tests.databases import TestDatabase

from .. import varied
from ..retention import exists, step

ROOT = Path(__file__).parents[5]
# So small that a month is many pages.
PAGE = 64 << 10


OLD = varied.RELATION


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(Place("file", str(tmp_path)))


def waiting(db: Database) -> list[Detached]:
    with db.transaction() as uow:
        return uow.partitions.unarchived()


def files(folder: Folder) -> list[str]:
    return sorted(path.name for path in Path(folder.place.path).rglob("*") if path.is_file())


def problems(own: TestDatabase) -> list[tuple[object, ...]]:
    return own.ask(
        "SELECT outcome, detail->>'problem' FROM maintenance.runs WHERE task = 'archive-partitions' ORDER BY id"
    )


def test_every_value_of_a_partition_is_in_its_archive_as_postgresql_spells_it(
    own: TestDatabase, db: Database, folder: Folder
) -> None:
    run = shelve_all(db, folder, bytes_at_once=PAGE)
    (done,) = run.shelved
    assert (done.relation, done.rows, run.problems) == (OLD, varied.ROWS, [])
    name = folder.place.name(done.uri)
    assert files(folder) == [name.rpartition("/")[2]]
    with folder.read(name) as file:
        archive = Archive(file, name)
        pages = list(archive.pages())
        columns = [(column.name, column.type) for column in archive.columns]
    assert len(pages) > 3
    kept = {str(row[0]): row for page in pages for row in page}
    casts = ", ".join(f'"{column}"::text' for column, _ in columns)
    with psycopg.connect(own.admin_url, options="-c timezone=UTC") as connection:
        there = connection.execute(f"SELECT {casts} FROM {OLD}".encode()).fetchall()  # noqa: S608  the test's own words
    assert {str(row[0]): tuple(row) for row in there} == kept
    assert ("moment", "timestamp with time zone") in columns
    assert own.ask("SELECT archive_uri, archived_rows FROM maintenance.detached_partitions") == [
        (done.uri, varied.ROWS)
    ]


def test_nobody_else_on_the_machine_may_read_an_archive(db: Database, folder: Folder) -> None:
    shelve_all(db, folder)
    (file,) = Path(folder.place.path).rglob("*.parquet")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_partition_is_dropped_only_after_its_archive(own: TestDatabase, db: Database, folder: Folder) -> None:
    varied.end_of_grace(own)
    assert step(db) is None
    shelve_all(db, folder)
    assert step(db) == RetentionStep("dropped", OLD)
    assert shelve_all(db, folder).shelved == []
    assert own.ask("SELECT affected, outcome, bytes > 1000, detail->>'archived' FROM maintenance.runs") == [
        (1, "done", True, OLD)
    ]


def test_a_partition_without_rows_has_an_archive_too(own: TestDatabase, db: Database, folder: Folder) -> None:
    own.ask(f"TRUNCATE {OLD}")
    (done,) = shelve_all(db, folder).shelved
    assert (done.rows, done.checksum) == (0, "0" * 16)


def test_no_transaction_lasts_as_long_as_the_archive(own: TestDatabase, db: Database, folder: Folder) -> None:
    begun: set[object] = set()

    def look(_: str) -> None:
        begun.update(own.ask("SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"))

    assert shelve(db, folder, waiting(db)[0], report=look, bytes_at_once=PAGE).rows == varied.ROWS
    assert begun == set()


def test_an_archive_that_was_interrupted_is_begun_anew(own: TestDatabase, db: Database, folder: Folder) -> None:
    pages = iter([False, False, False, True])
    with pytest.raises(ArchivingStopped):
        shelve(db, folder, waiting(db)[0], stopping=lambda: next(pages), bytes_at_once=PAGE)
    assert [name.rpartition(".")[2] for name in files(folder)] == ["draft"]
    assert step(db) is None
    assert shelve_all(db, folder).shelved == [], "its lease goes on for a while"
    own.ask("UPDATE maintenance.detached_partitions SET archiving_until = now() - interval '1 s'")
    (done,) = shelve_all(db, folder).shelved
    assert files(folder) == [done.uri.rpartition("/")[2]]


def test_one_at_a_time_writes_the_archive_of_a_partition(db: Database, folder: Folder) -> None:
    others: list[int] = []

    def meanwhile(_: str) -> None:
        others.append(len(shelve_all(db, folder).shelved))

    assert shelve(db, folder, waiting(db)[0], report=meanwhile, bytes_at_once=PAGE).relation == OLD
    assert set(others) == {0}


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET \"Odd name\" = 'x' WHERE id = 7",
        "DELETE FROM {} WHERE id = 7",
        "INSERT INTO {} (id, at) VALUES (0, '2020-01-02')",
    ],
)
def test_rows_that_change_meanwhile_are_noticed(
    own: TestDatabase, db: Database, folder: Folder, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an erasure does; an archive of neither before nor after would be marked."""

    def write(*arguments: Any) -> None:  # noqa: ANN401  whatever the writer takes
        parquet.write(*arguments)
        own.ask(change.format(OLD))

    monkeypatch.setattr(shelving, "write", write)
    run = shelve_all(db, folder)
    assert run.shelved == []
    assert [problem.partition("has")[0] for problem in run.problems] == [f"{OLD} "]
    assert [outcome for outcome, _ in problems(own)] == ["waits"]
    assert own.value("SELECT archived_at FROM maintenance.detached_partitions") is None
    monkeypatch.undo()
    own.ask("UPDATE maintenance.detached_partitions SET archiver = NULL, archiving_until = NULL")
    assert len(shelve_all(db, folder).shelved) == 1


class Damaging(Folder):
    """A folder whose disk gives back other bytes than it was given."""

    @contextmanager
    def draft(self, name: str) -> Iterator[BinaryIO]:
        path = Path(self.place.path) / f"{name}.draft"
        content = bytearray(path.read_bytes())
        content[len(content) // 3 : len(content) // 2] = b""
        path.write_bytes(content)
        with super().draft(name) as file:
            yield file


def test_an_archive_that_cannot_be_read_back_is_none(own: TestDatabase, db: Database, tmp_path: Path) -> None:
    run = shelve_all(db, Damaging(Place("file", str(tmp_path))))
    assert run.shelved == []
    assert len(run.problems) == 1
    varied.end_of_grace(own)
    assert step(db) is None
    assert exists(own, OLD)


class Full(Folder):
    """A folder of a disk that is full after some kilobytes, or that nobody may write to."""

    reason = errno.ENOSPC

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        with super().create(name) as file:
            yield _Short(file, self.reason)  # type: ignore[misc]  # as much of a file as is used


class _Short:
    closed = False

    def __init__(self, file: BinaryIO, reason: int) -> None:
        self._file = file
        self._reason = reason
        self._left = 4_096

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise OSError(self._reason, os.strerror(self._reason))
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def writable(self) -> bool:
        return True


@pytest.mark.parametrize(("reason", "sentence"), [(errno.ENOSPC, "No space left"), (errno.EROFS, "Read-only file")])
def test_a_folder_that_takes_nothing_more_is_told_in_a_sentence_and_the_next_run_carries_on(
    own: TestDatabase, db: Database, tmp_path: Path, reason: int, sentence: str
) -> None:
    full = Full(Place("file", str(tmp_path)))
    full.reason = reason
    run = shelve_all(db, full)
    ((outcome, problem),) = problems(own)
    assert outcome == "failed"
    assert [problem] == run.problems
    assert sentence in str(problem)
    assert "Make room or give the rights" in str(problem)
    varied.end_of_grace(own)
    assert step(db) is None
    assert exists(own, OLD)
    own.ask("UPDATE maintenance.detached_partitions SET archiving_until = now() - interval '1 s'")
    assert len(shelve_all(db, Folder(full.place)).shelved) == 1


_LIMITED = """
import resource, signal, sys
from archives.place import Place
from archives.store import Folder
from db.engine import Database
from db.settings import DatabaseSettings
from db.shelving import shelve_all

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
database = Database(DatabaseSettings(url=sys.argv[1]))
print(shelve_all(database, Folder(Place("file", sys.argv[2]))).problems)
"""


def test_a_process_that_may_write_no_more_says_so(own: TestDatabase, tmp_path: Path) -> None:
    """With a limit of the system, which root has too."""
    child = subprocess.run(
        [sys.executable, "-c", _LIMITED, own.worker_url, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "File too large" in child.stdout
    assert [outcome for outcome, _ in problems(own)] == ["failed"]
    assert exists(own, OLD)


def test_a_folder_that_is_not_mounted_is_refused(tmp_path: Path) -> None:
    """Made by us, it would fill the disk that it should have been mounted over."""
    with pytest.raises(PlaceUnusable, match="is no folder: make it, or mount"):
        Folder(Place("file", str(tmp_path / "absent")))


def test_a_file_in_the_place_of_the_folder_of_a_table_is_a_sentence(db: Database, folder: Folder) -> None:
    """Also what root gets, whom no rights keep from writing."""
    (Path(folder.place.path) / "public.varied").touch()
    with pytest.raises(StoreRefused, match=r"cannot be written: (Not a directory|File exists)"):
        shelve(db, folder, waiting(db)[0])


def test_what_is_no_parquet_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for content in (b"", b"PAR1", b"x" * 100):
        path.write_bytes(content)
        with path.open("rb") as file, pytest.raises(ArchiveDamaged, match="is not a file of ours"):
            Archive(file, "x")
