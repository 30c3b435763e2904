"""Where archives are kept, as one URL says it: `file:///srv/archives` or `s3://BUCKET/PREFIX?region=…`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from .errors import ArchiveMissing, PlaceUnusable

_SHAPE: Final = (
    "ARCHIVE_URL cannot be read: write it as file:///FOLDER, or as"
    " s3://[KEY:SECRET@]BUCKET/PREFIX?region=REGION&endpoint_override=HOST:PORT&scheme=https."
)
_OPTIONS: Final = frozenset({"region", "endpoint_override", "scheme"})


@dataclass(frozen=True)
class Place:
    """A folder, or a bucket with a prefix; its credentials are in no repr and in no address of an archive."""

    scheme: str
    path: str
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read a URL; the sentence of a refusal does not repeat it, for it may hold a password."""
        try:
            parts = urlsplit(url)
            options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        except ValueError:
            raise PlaceUnusable(_SHAPE) from None
        if parts.scheme == "file" and parts.netloc in {"", "localhost"} and len(parts.path) > 1 and not options:
            return cls("file", unquote(parts.path).rstrip("/"))
        host = parts.netloc.rpartition("@")[2]
        if parts.scheme != "s3" or not host or not _OPTIONS.issuperset(options) or parts.fragment:
            raise PlaceUnusable(_SHAPE)
        return cls("s3", f"{host}{unquote(parts.path)}".rstrip("/"), *_credentials(parts.netloc), options)

    def uri(self, name: str) -> str:
        """Give the address of an archive, which the database remembers."""
        return f"{self.scheme}://{self.path}/{name}"

    def name(self, uri: str) -> str:
        """Give the name that an archive of this place has here."""
        base = self.uri("")
        name = uri.removeprefix(base)
        if not uri.startswith(base) or ".." in PurePosixPath(name).parts:
            raise ArchiveMissing(f"{uri} is not in {base}: set ARCHIVE_URL to the place where it is.")
        return name


def _credentials(netloc: str) -> tuple[str | None, str | None]:
    given, separator, _host = netloc.rpartition("@")
    key, colon, secret = given.partition(":")
    if separator and not (key and colon and secret):
        raise PlaceUnusable(_SHAPE)
    return (unquote(key), unquote(secret)) if separator else (None, None)
