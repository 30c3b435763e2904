"""Where archives are kept, as one URL says it."""

import pytest

from archives.errors import ArchiveMissing, PlaceUnusable
from archives.place import Place


def test_a_folder_is_named_by_its_path() -> None:
    place = Place.parse("file:///srv/my%20archives/")
    assert (place.scheme, place.path) == ("file", "/srv/my archives")
    assert place.name(place.uri("public.t/a.parquet")) == "public.t/a.parquet"


def test_the_key_of_a_bucket_is_in_no_address_and_no_repr() -> None:
    place = Place.parse("s3://AKIA:pass%40word@bucket/prefix?region=eu-west-1")
    assert (place.access_key, place.secret_key) == ("AKIA", "pass@word")
    assert place.uri("a") == "s3://bucket/prefix/a"
    assert "pass" not in repr(place)
    assert "AKIA" not in repr(place)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/srv/archives",
        "srv",
        "file://",
        "file:///",
        "file://other/srv",
        "file:///srv?x=1",
        "s3://",
        "s3:///prefix",
        "s3://bucket?acl=public",
        "s3://bucket?region",
        "s3://secret@bucket",
        "s3://key:@bucket",
        "gs://bucket",
        "https://bucket.example/secret",
        "s3://[bucket",
    ],
)
def test_what_is_no_place_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(PlaceUnusable, match="ARCHIVE_URL cannot be read: write it as file:///FOLDER") as refused:
        Place.parse(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "uri", ["file:///elsewhere/a", "s3://srv/a", "file:///srv/../etc/passwd", "file:///srvother/a"]
)
def test_an_archive_of_another_place_is_not_looked_for_here(uri: str) -> None:
    with pytest.raises(ArchiveMissing, match="set ARCHIVE_URL to the place where it is"):
        Place.parse("file:///srv").name(uri)
