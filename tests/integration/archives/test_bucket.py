"""Archives in a store that speaks S3."""

from collections.abc import Iterator
from contextlib import suppress
from random import Random

import pytest

from archives.bucket import Bucket, store_at
from archives.errors import ArchiveMissing, StoreRefused
from archives.parquet import Archive, write
from archives.place import Place
from archives.rows import Column, Row, Tally
from archives.store import Folder, sha256_of

from .s3 import Objects, objects

NAME = "public.audit_log/a-1.parquet"
COLUMNS = [Column("id", "bigint"), Column("word", "text")]


@pytest.fixture(scope="module")
def server() -> Iterator[Objects]:
    with objects() as running:
        yield running


@pytest.fixture
def bucket(server: Objects) -> Bucket:
    server.refuses = False
    server.held.clear()
    url = f"s3://key:se%2Fcret@bucket/some/prefix?endpoint_override={server.address}&scheme=http&region=us-east-1"
    store = store_at(Place.parse(url))
    assert isinstance(store, Bucket)
    return store


def pages(count: int) -> Iterator[list[Row]]:
    for page in range(count):
        source = Random(page)
        yield [(str(page * 500 + row), source.randbytes(400).hex()) for row in range(500)]


@pytest.mark.parametrize("count", [1, 60])
def test_a_file_is_sent_whole_or_in_parts_and_read_back(server: Objects, bucket: Bucket, count: int) -> None:
    expected = Tally()
    for page in pages(count):
        expected.add(page)
    with bucket.create(NAME) as file:
        write(file, COLUMNS, {"parent": "public.audit_log"}, pages(count))
    bucket.finish(NAME)
    assert list(server.held) == [f"/bucket/some/prefix/{NAME}"]
    with bucket.draft(NAME) as file:
        found = Tally()
        for page in Archive(file, NAME).pages():
            found.add(page)
    assert found == expected
    with bucket.read(NAME) as file:
        assert sha256_of(file)[1] == len(server.held[f"/bucket/some/prefix/{NAME}"])


def test_a_bucket_that_refuses_is_a_sentence_without_the_key(server: Objects, bucket: Bucket) -> None:
    server.refuses = True
    sentence = r"cannot be written: .*AWS Error ACCESS_DENIED.*Make room or"
    with pytest.raises(StoreRefused, match=sentence) as refused, bucket.create(NAME) as file:
        write(file, COLUMNS, {}, pages(1))
    assert "cret" not in str(refused.value)
    assert f"s3://bucket/some/prefix/{NAME}" in str(refused.value)


def test_of_a_file_that_was_interrupted_nothing_is_left(server: Objects, bucket: Bucket) -> None:
    with suppress(KeyboardInterrupt), bucket.create(NAME) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert [key for key, held in server.held.items() if held] == []
    with pytest.raises(ArchiveMissing, match="is not there: bring it back"), bucket.read(NAME):
        pass


def test_a_folder_is_opened_by_its_url(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("archives and more")
    assert isinstance(store_at(Place.parse(folder.as_uri())), Folder)
