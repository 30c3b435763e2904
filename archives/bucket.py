"""A bucket of a store that speaks S3: a file appears there when all of it was sent, so it needs no draft."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import BinaryIO, Final, cast

from pyarrow import fs

from .errors import telling
from .place import Place
from .store import READING, WRITING, Folder, Store

_CONNECT_SECONDS: Final = 5
_REQUEST_SECONDS: Final = 60
_TRIES: Final = 3


def store_at(place: Place) -> Store:
    """Open the place that a URL names."""
    return Folder(place) if place.scheme == "file" else Bucket(place)


class Bucket:
    """A prefix in a bucket; without credentials in the URL those of the environment are used, as AWS's tools do."""

    def __init__(self, place: Place) -> None:
        """Prepare the client; the first request makes the first connection."""
        self.place = place
        self._files = fs.S3FileSystem(
            access_key=place.access_key,
            secret_key=place.secret_key,
            connect_timeout=_CONNECT_SECONDS,
            request_timeout=_REQUEST_SECONDS,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_TRIES),
            **{"region": "us-east-1", **place.options},
        )

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """Send a file; of one that could not be sent nothing is left."""
        path = self._path(name)
        with telling(f"{self.place.uri(name)} cannot be written", WRITING):
            try:
                with self._files.open_output_stream(path) as file:
                    yield cast("BinaryIO", file)
            except BaseException:
                # Closing a stream finishes the file, half of it too.
                with suppress(OSError):
                    self._files.delete_file(path)
                raise

    def draft(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Read what was sent."""
        return self.read(name)

    def finish(self, name: str) -> None:
        """Do nothing: the file has its name."""

    @contextmanager
    def read(self, name: str) -> Iterator[BinaryIO]:
        """Read a file, in pieces where that is enough."""
        with (
            telling(f"{self.place.uri(name)} cannot be read", READING),
            self._files.open_input_file(self._path(name)) as file,
        ):
            yield cast("BinaryIO", file)

    def discard(self, name: str) -> None:
        """Remove a file."""
        with suppress(OSError):
            self._files.delete_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self.place.path}/{name}"
