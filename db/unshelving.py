"""Archives are checked, handed out and brought back."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

from archives.errors import ArchiveDamaged, ArchiveMissing
from archives.parquet import Archive
from archives.rows import Row, Tally
from archives.store import Store, copied, sha256_of
from db.engine import Database
from db.repositories.shelved import Kept
from db.unit_of_work import UnitOfWork

Report: TypeAlias = Callable[[str], None]

PARQUET: Final = ".parquet"


@dataclass(frozen=True)
class Checked:
    """What an archive was found to hold; `is_same` compares it with the partition, where that is still there."""

    relation: str
    uri: str
    rows: int
    checksum: str
    is_same: bool | None

    def facts(self) -> dict[str, object]:
        """Give it for programs."""
        return {
            "relation": self.relation,
            "uri": self.uri,
            "rows": self.rows,
            "checksum": self.checksum,
            "same_as_partition": self.is_same,
        }


@dataclass(frozen=True)
class Restored:
    """Where the rows of an archive are now."""

    relation: str
    rows: int
    checksum: str
    kept: Kept

    def facts(self) -> dict[str, object]:
        """Give it for programs."""
        return {"relation": self.relation, "parent": self.kept.parent, "rows": self.rows, "checksum": self.checksum}


def find(database: Database, name: str) -> Kept:
    """Give the archive of a partition; if there are several of the name, its address tells which."""
    with database.transaction() as uow:
        found = [kept for kept in uow.shelved.list(name) if kept.uri is not None]
    if not found:
        raise ArchiveMissing(f"Nothing called {name} is archived: `python -m db archives list` shows what is.")
    if len(found) > 1:
        addresses = ", ".join(str(kept.uri) for kept in found)
        raise ArchiveMissing(f"{name} was archived {len(found)} times: give the address of one, {addresses}.")
    return found[0]


def verify(database: Database, store: Store, kept: Kept, *, report: Report = lambda _: None) -> Checked:
    """Read all of an archive; raise unless it is the very file that was written, with all of its rows."""
    uri, tally = _uri(kept), Tally()
    check_digest(store, kept)
    with store.read(store.place.name(uri)) as file:
        archive = Archive(file, uri)
        for rows in _told(archive, kept, report):
            tally.add(rows)
    if tally.rows != kept.rows:
        raise ArchiveDamaged(f"{uri} has {tally.rows} rows and had {kept.rows} when it was archived.")
    is_same = _tally(database, kept.relation, archive) == tally if kept.is_there else None
    return Checked(kept.relation, uri, tally.rows, tally.checksum, is_same)


def export(store: Store, kept: Kept, target: BinaryIO, *, as_parquet: bool, report: Report = lambda _: None) -> int:
    """Write a checked archive elsewhere: the file itself, or a line of JSON for each row; return how many rows."""
    uri = _uri(kept)
    with store.read(store.place.name(uri)) as file:
        if as_parquet:
            copied(file, target)
            return kept.rows or 0
        archive = Archive(file, uri)
        names = [column.name for column in archive.columns]
        for rows in _told(archive, kept, report):
            lines = (json.dumps(dict(zip(names, row, strict=True))) for row in rows)
            target.writelines(f"{line}\n".encode() for line in lines)
        return archive.rows


def restore(
    database: Database, store: Store, kept: Kept, *, attach: bool = False, report: Report = lambda _: None
) -> Restored:
    """Bring the rows of an archive back, all or none; they are compared with the file before anything is committed."""
    uri = _uri(kept)
    check_digest(store, kept)
    with store.read(store.place.name(uri)) as file, database.transaction() as uow:
        archive = Archive(file, uri)
        names = [column.name for column in archive.columns]
        uow.shelved.act_as_owner()
        uow.shelved.begin_restore(kept.relation, uri, columns=names, types=[each.type for each in archive.columns])
        expected = Tally()
        uow.shelved.fill(kept.relation, names, _counted(archive, kept, expected, report))
        relation = uow.shelved.attach(kept.relation) if attach else kept.relation
        found = _tally_in(uow, relation, names)
        if found != expected:
            raise ArchiveDamaged(
                f"{relation} has {found.rows} rows ({found.checksum}) and {uri} {expected.rows} ({expected.checksum}):"
                " nothing was restored."
            )
    return Restored(relation, found.rows, found.checksum, kept)


def _uri(kept: Kept) -> str:
    if kept.uri is None:
        raise ArchiveMissing(f"{kept.relation} waits for its archive: it is still in the database.")
    return kept.uri


def check_digest(store: Store, kept: Kept) -> None:
    """Raise unless an archive is the very file that was written."""
    uri = _uri(kept)
    with store.read(store.place.name(uri)) as file:
        digest, _ = sha256_of(file)
    if digest != kept.sha256:
        raise ArchiveDamaged(f"{uri} is not the file that was archived: its SHA-256 is {digest}, not {kept.sha256}.")


def _told(archive: Archive, kept: Kept, report: Report) -> Iterator[list[Row]]:
    seen = 0
    for rows in archive.pages():
        yield rows
        seen += len(rows)
        report(f"{kept.relation}: {seen:,} of {archive.rows:,} rows")


def _counted(archive: Archive, kept: Kept, tally: Tally, report: Report) -> Iterator[Row]:
    for rows in _told(archive, kept, report):
        tally.add(rows)
        yield from rows


def _tally(database: Database, relation: str, archive: Archive) -> Tally:
    with database.transaction() as uow:
        return _tally_in(uow, relation, [column.name for column in archive.columns])


def _tally_in(uow: UnitOfWork, relation: str, names: list[str]) -> Tally:
    extent = uow.detached.extent(relation)
    rows, total = uow.detached.tally(relation, names, first=0, last=extent.blocks)
    return Tally(rows, total)
