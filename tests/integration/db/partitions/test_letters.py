"""Each day's dead letters are a file where archives are kept, once, and a day that could not be is made up for."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archives.place import Place
from archives.store import Folder
from db import letters
from db.engine import Database
from db.repositories.dead_letters import DeadLetter
from tests.databases import TestDatabase

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
YESTERDAY = TODAY - timedelta(days=1)
RUNS = """
SELECT outcome, affected, detail->>'day' FROM maintenance.runs WHERE affected > 0 OR outcome <> 'done' ORDER BY id
"""


def _bury(db: Database, number: int, at: datetime) -> None:
    with db.transaction() as uow:
        uow.dead_letters.add(
            DeadLetter(
                message_id=f"m-{number}",
                queue="instances",
                wire_name="instances.create.v1",
                reason="unknown-user",
                error="The user does not exist.",
                payload="{}",
                host="h",
                created_at=at,
            )
        )


def _lines(folder: Path, day: datetime) -> list[str]:
    text = (folder / f"dead_letters/{day:%Y-%m-%d}-letters.jsonl").read_text(encoding="utf-8")
    return [json.loads(line)["message_id"] for line in text.splitlines()]


def test_yesterdays_letters_are_written_once_in_order_and_todays_are_not(
    own: TestDatabase, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(letters, "_PAGE", 3)
    # Several of one moment, so that a page ends among them.
    for number in range(7):
        _bury(db, number, YESTERDAY + timedelta(hours=number // 4))
    _bury(db, 7, TODAY)
    store = Folder(Place("file", str(tmp_path)))
    for _ in range(2):
        letters.export(db, store, now=TODAY + timedelta(minutes=30))
    assert sorted(_lines(tmp_path, YESTERDAY)) == [f"m-{number}" for number in range(7)]
    assert own.ask(RUNS) == [("done", 7, f"{YESTERDAY:%Y-%m-%d}")]
    assert len(list(tmp_path.rglob("*.jsonl"))) == 1, "a day without letters has no file"
    letters.export(db, store, now=TODAY + timedelta(days=1, minutes=30))
    assert _lines(tmp_path, TODAY) == ["m-7"]


def test_of_two_who_write_the_same_day_one_does(own: TestDatabase, db: Database, tmp_path: Path) -> None:
    _bury(db, 1, YESTERDAY)
    store = Folder(Place("file", str(tmp_path)))
    with db.transaction() as other:
        assert other.locks.alone(letters.TASK)
        letters.export(db, store, now=TODAY)
    assert own.ask(RUNS) == []
    letters.export(db, store, now=TODAY)
    assert own.ask(RUNS) == [("done", 1, f"{YESTERDAY:%Y-%m-%d}")]


def test_a_day_that_could_not_be_written_is_told_and_made_up_for(
    own: TestDatabase, db: Database, tmp_path: Path
) -> None:
    _bury(db, 1, YESTERDAY)
    store = Folder(Place("file", str(tmp_path)))
    # A file where the folder has to be, which stops every user, root too.
    (tmp_path / "dead_letters").write_text("in the way")
    letters.export(db, store, now=TODAY)
    assert [row[0] for row in own.ask(RUNS)] == ["failed"]
    ((problem,),) = own.ask("SELECT problem FROM maintenance.ticks WHERE task = 'export-dead-letters'")
    assert "cannot be written" in str(problem)
    (tmp_path / "dead_letters").unlink()
    letters.export(db, store, now=TODAY + timedelta(days=3))
    assert _lines(tmp_path, YESTERDAY) == ["m-1"]
    assert own.value("SELECT outcome FROM maintenance.ticks WHERE task = 'export-dead-letters'") == "done"
