"""Archives are checked, handed out and brought back, by the commands that the runbook gives."""

import json
import re
import shlex
from pathlib import Path

import psycopg
import pytest
from pyarrow import parquet

from archives.place import Place
from archives.store import Folder
from db.__main__ import main
from db.engine import Database
from db.repositories.partitions import RetentionStep
from db.shelving import Shelved, shelve_all
from tests.databases import TestDatabase

from .. import varied
from ..retention import exists, step

ROOT = Path(__file__).parents[5]
NAME = varied.RELATION.partition(".")[2]


class Shelf:
    """A month that was archived and dropped, and the shell of whoever wants it back."""

    def __init__(self, own: TestDatabase, db: Database, folder: Path) -> None:
        self.own = own
        self.folder = folder
        self.rows = varied.spelled(own, varied.RELATION)
        self.done: Shelved
        (self.done,) = shelve_all(db, Folder(Place("file", str(folder)))).shelved
        varied.end_of_grace(own)
        assert step(db) == RetentionStep("dropped", varied.RELATION)

    @property
    def file(self) -> Path:
        (found,) = self.folder.rglob("*.parquet")
        return found

    def run(self, *arguments: str) -> int:
        environment = {"DATABASE_ADMIN_URL": self.own.admin_url, "ARCHIVE_URL": self.folder.as_uri()}
        return main(arguments, environment)

    def keep_longer(self) -> None:
        self.own.ask(
            "UPDATE maintenance.data_retention_policies SET retention_days = 36500 WHERE table_name = 'varied'"
        )


@pytest.fixture
def shelf(own: TestDatabase, db: Database, tmp_path: Path) -> Shelf:
    (tmp_path / "shelf").mkdir()
    return Shelf(own, db, tmp_path / "shelf")


def documented(action: str) -> list[list[str]]:
    """Give the arguments of the commands that the runbook has for an action."""
    page = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    lines = re.findall(rf"^    python -m db (archives {action}[^#\n]*)", page, re.MULTILINE)
    assert lines
    return [shlex.split(line) for line in lines]


@pytest.mark.parametrize("arguments", documented("restore"), ids=" ".join)
def test_an_archived_partition_comes_back_with_identical_rows(
    shelf: Shelf, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    is_attached = "--attach" in arguments
    if is_attached:
        shelf.keep_longer()
    assert shelf.run(*[{"NAME": NAME}.get(word, word) for word in arguments], "--json") == 0
    captured = capsys.readouterr()
    relation = f"partitions.{NAME}" if is_attached else varied.RELATION
    assert json.loads(captured.out) == {
        "relation": relation,
        "parent": "public.varied",
        "rows": varied.ROWS,
        "checksum": shelf.done.checksum,
    }
    assert "rows" in captured.err
    assert varied.spelled(shelf.own, relation) == shelf.rows
    assert varied.spelled(shelf.own, "varied") == (shelf.rows if is_attached else [])
    assert exists(shelf.own, varied.RELATION) is not is_attached


def test_what_was_restored_is_dropped_again_after_its_grace(shelf: Shelf, db: Database) -> None:
    assert shelf.run("archives", "restore", NAME) == 0
    assert step(db) is None
    varied.end_of_grace(shelf.own)
    assert step(db) == RetentionStep("dropped", varied.RELATION)
    assert shelf.run("archives", "restore", NAME) == 0


def test_what_was_attached_again_leaves_and_is_archived_like_any_other(shelf: Shelf, db: Database) -> None:
    shelf.keep_longer()
    assert shelf.run("archives", "restore", NAME, "--attach") == 0
    shelf.own.ask("DELETE FROM varied WHERE id = 1")
    shelf.own.ask("UPDATE maintenance.data_retention_policies SET retention_days = 365")
    assert step(db) == RetentionStep("detached", varied.RELATION)
    (again,) = shelve_all(db, Folder(Place("file", str(shelf.folder)))).shelved
    assert (again.rows, again.uri != shelf.done.uri) == (varied.ROWS - 1, True)


def test_a_restore_that_fails_leaves_nothing(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    assert shelf.run("archives", "restore", NAME, "--attach") == 1
    assert "keeps 365 days, so it would be detached again: keep more days first" in capsys.readouterr().err
    assert not exists(shelf.own, varied.RELATION)
    assert not exists(shelf.own, f"partitions.{NAME}")


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ("CREATE TABLE archive.varied_y2020m01 (precious text)", "is there already: read it, or drop it first"),
        ("DROP TABLE varied; DROP TYPE mood", "is of a type that is not there any more (mood): create it first"),
    ],
)
def test_what_is_in_the_way_of_a_restore_is_told(
    shelf: Shelf, before: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.own.ask(before)
    assert shelf.run("archives", "restore", NAME) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "sentence"),
    [
        ("ALTER TABLE varied DROP COLUMN words", "has columns that public.varied has no more (words)"),
        ("DELETE FROM maintenance.data_retention_policies WHERE table_name = 'varied'", "has no retention policy"),
        ("CREATE TABLE partitions.varied_y2020m01 (x text)", "partitions.varied_y2020m01 is in its place"),
        (
            "CREATE TABLE partitions.x PARTITION OF varied FOR VALUES FROM ('2020-01-05Z') TO ('2020-01-06Z')",
            "would overlap partition",
        ),
    ],
)
def test_what_is_in_the_way_of_attaching_is_told(
    shelf: Shelf, before: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.keep_longer()
    shelf.own.ask(before)
    assert shelf.run("archives", "restore", NAME, "--attach") == 1
    assert sentence in capsys.readouterr().err
    assert not exists(shelf.own, varied.RELATION)


def test_a_column_that_came_later_is_empty_in_what_came_back(shelf: Shelf) -> None:
    shelf.keep_longer()
    shelf.own.ask("ALTER TABLE varied ADD COLUMN later text DEFAULT 'new'")
    assert shelf.run("archives", "restore", NAME, "--attach") == 0
    assert shelf.own.ask("SELECT DISTINCT later FROM varied") == [("new",)]


def test_a_worker_cannot_bring_anything_back(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"DATABASE_URL": shelf.own.worker_url, "ARCHIVE_URL": shelf.folder.as_uri()}
    assert main(["archives", "restore", NAME], environment) == 1
    assert "Set DATABASE_ADMIN_URL to a login that may." in capsys.readouterr().err
    with psycopg.connect(shelf.own.worker_url) as worker, pytest.raises(psycopg.errors.InsufficientPrivilege):
        worker.execute("SELECT maintenance.attach_restored('archive.x')")


def test_a_file_that_was_changed_is_neither_restored_nor_handed_out(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(shelf.file.read_bytes())
    content[100] ^= 1
    shelf.file.write_bytes(content)
    (tmp_path / "x.parquet").write_bytes(b"precious")
    for arguments in (["verify"], ["restore", NAME], ["export", NAME, "--to", str(tmp_path / "x.parquet")]):
        assert shelf.run("archives", *arguments) == 1
        captured = capsys.readouterr()
        assert "is not the file that was archived: its SHA-256 is" in captured.out + captured.err
    assert not exists(shelf.own, varied.RELATION)
    assert (tmp_path / "x.parquet").read_bytes() == b"precious"
    shelf.file.unlink()
    assert shelf.run("archives", "restore", NAME) == 1
    assert "is not there: bring it back, or correct ARCHIVE_URL" in capsys.readouterr().err


def test_archives_are_listed_and_verified(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    assert shelf.run("archives", "list") == 0
    assert re.search(rf"{varied.RELATION} +2020-01-01 +2020-02-01 +5,003  file:", capsys.readouterr().out)
    assert shelf.run("archives", "list", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["archives"]
    assert (told["rows"], told["in_database"], told["uri"]) == (varied.ROWS, False, shelf.done.uri)
    for name in ([], [NAME], [varied.RELATION], [shelf.done.uri]):
        assert shelf.run("archives", "verify", *name, "--json") == 0
        (checked,) = json.loads(capsys.readouterr().out)["archives"]
        assert (checked["checksum"], checked["same_as_partition"]) == (shelf.done.checksum, None)
    assert shelf.run("archives", "restore", NAME) == 0
    shelf.own.ask("UPDATE archive.varied_y2020m01 SET small = 8 WHERE id = 1")
    assert shelf.run("archives", "verify") == 1
    assert f"{varied.RELATION} has other rows than {shelf.done.uri}." in capsys.readouterr().out


def test_an_archive_is_handed_out_as_lines_or_as_it_is(shelf: Shelf, tmp_path: Path) -> None:
    lines, copy = tmp_path / "rows.jsonl", tmp_path / "rows.parquet"
    for target in (lines, copy):
        assert shelf.run("archives", "export", NAME, "--to", str(target)) == 0
    rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == varied.ROWS
    first = next(row for row in rows if row["id"] == "1")
    assert (first["moment"], first["amount"], first["Odd name"]) == ("infinity", "NaN", "")
    assert copy.read_bytes() == shelf.file.read_bytes()
    assert parquet.read_table(copy).column("id").to_pylist().count(1) == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["restore", "nothing"], "Nothing called nothing is archived: `python -m db archives list` shows what is."),
        (["export", NAME, "--to", "/proc/nothing"], "/proc/nothing cannot be written"),
    ],
)
def test_a_wish_that_cannot_be_met_is_a_sentence(
    shelf: Shelf, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shelf.run("archives", *arguments) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (None, "Set ARCHIVE_URL (or ARCHIVE_URL_FILE) to where archives are"),
        ("/srv", "ARCHIVE_URL cannot be read: write it as file:///FOLDER"),
        ("file:///nowhere", "is no folder: make it, or mount what belongs there"),
    ],
)
def test_without_a_place_nothing_is_looked_for(
    own: TestDatabase, url: str | None, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_ADMIN_URL": own.admin_url} | ({} if url is None else {"ARCHIVE_URL": url})
    assert main(["archives", "verify"], environment) == 1
    assert sentence in capsys.readouterr().err
