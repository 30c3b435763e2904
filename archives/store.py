"""A place where files are written as drafts, read back, and given their names only then."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from .errors import PlaceUnusable, telling
from .place import Place

WRITING: Final = (
    "Make room or give the rights to write there; what is in the database stays there until it is archived."
)
READING: Final = "Give the rights to read it, and try again."
_PIECE: Final = 1 << 20


class Store(Protocol):
    """What an archive needs of the place that it is kept in."""

    place: Place

    def create(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Write a draft; one that somebody left behind of the same, up to the last dash of the name, is removed."""

    def draft(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Read the draft of a file."""

    def finish(self, name: str) -> None:
        """Give the draft its name, on the disk for good."""

    def read(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Read a file."""

    def discard(self, name: str) -> None:
        """Remove a file, finished or not, that nobody is going to refer to."""


class Folder:
    """A folder of this machine; it must be there already, since one that is not mounted would fill another disk."""

    def __init__(self, place: Place) -> None:
        """Look whether the folder is there."""
        self.place = place
        self._root = Path(place.path)
        with telling(f"{place.uri('')} of ARCHIVE_URL cannot be looked at", WRITING):
            is_there = self._root.is_dir()
        if not is_there:
            raise PlaceUnusable(f"{place.uri('')} of ARCHIVE_URL is no folder: make it, or mount what belongs there.")

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Write a draft beside where the file will be."""
        draft = self._draft(name)
        with telling(f"{self.place.uri(name)} cannot be written", WRITING):
            draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Removed, not overwritten: whoever left one behind and is not dead yet must not write into ours.
            for left in draft.parent.glob(f"{draft.name.rpartition('-')[0]}-*.draft"):
                left.unlink(missing_ok=True)
            draft.unlink(missing_ok=True)
            # Nobody else on the machine may read what nobody else may read in the database.
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())

    @contextmanager
    def draft(self, name: str) -> Iterator[BinaryIO]:
        """Read the draft of a file."""
        with telling(f"{self.place.uri(name)} cannot be read", READING), self._draft(name).open("rb") as file:
            yield file

    def finish(self, name: str) -> None:
        """Rename the draft; a machine that loses its power then has the file or the draft."""
        file = self._root / name
        with telling(f"{self.place.uri(name)} cannot be written", WRITING):
            self._draft(name).replace(file)
            folder = os.open(file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    @contextmanager
    def read(self, name: str) -> Iterator[BinaryIO]:
        """Read a file."""
        with telling(f"{self.place.uri(name)} cannot be read", READING), (self._root / name).open("rb") as file:
            yield file

    def discard(self, name: str) -> None:
        """Remove a file and its draft; what cannot be removed is told by whoever looks at the folder."""
        with suppress(OSError):
            self._draft(name).unlink(missing_ok=True)
            (self._root / name).unlink(missing_ok=True)

    def _draft(self, name: str) -> Path:
        return self._root / f"{name}.draft"


def sha256_of(file: BinaryIO) -> tuple[str, int]:
    """Give the digest and the size of a file."""
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_PIECE):
        digest.update(piece)
        size += len(piece)
    return digest.hexdigest(), size


def copied(file: BinaryIO, target: BinaryIO) -> None:
    """Write all of a file to another."""
    while piece := file.read(_PIECE):
        target.write(piece)
