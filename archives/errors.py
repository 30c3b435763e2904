"""What may be wrong with an archive, in our words.

ArchiveError
├── PlaceUnusable       the place of the archives is not one that can be read as such
├── StoreRefused        the folder or the bucket does not take or give a file: no room, no rights, no answer
├── ArchiveMissing      there is no such file
└── ArchiveDamaged      the file is not what was written
"""

from collections.abc import Iterator
from contextlib import contextmanager


class ArchiveError(Exception):
    """Something is wrong with an archive, or with where it is kept."""


class PlaceUnusable(ArchiveError):
    """The place of the archives cannot be read, or is not there."""


class StoreRefused(ArchiveError):
    """The store did not take or give a file."""


class ArchiveMissing(ArchiveError):
    """The store has no such file."""


class ArchiveDamaged(ArchiveError):
    """The file is not what was written."""


@contextmanager
def telling(what: str, remedy: str) -> Iterator[None]:
    """Have what the system says about a file come out as a sentence that names the file and the remedy."""
    try:
        yield
    except FileNotFoundError:
        raise ArchiveMissing(f"{what} is not there: bring it back, or correct ARCHIVE_URL.") from None
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise StoreRefused(f"{what}: {reason.rstrip('.')}. {remedy}") from None
