"""A tick wakes whoever archives; without a place for archives it says that something waits."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archives.place import Place
from db.engine import Database
from db.settings import DatabaseSettings
from producers import ArchiveDue
from tests.acceptance.processes import wait_until
from tests.databases import TestDatabase
from tests.integration.db.partitions import varied
from tests.integration.workers.deliveries import delivered, make_applier, reasons
from workers.actors.maintenance import archive_partitions
from workers.archivist import Archivist
from workers.resources import Resources

NIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
RUNS = (
    "SELECT outcome, affected, detail->>'problem' FROM maintenance.runs WHERE task = 'archive-partitions' ORDER BY id"
)


def tick(database: Database, resources: Resources, wanted: threading.Event | None, *, minutes: int = 0) -> None:
    own = Resources(resources.prober, archive_wanted=wanted)
    make_applier(database, own, archive_partitions)(delivered(ArchiveDue.at(NIGHT + timedelta(minutes=minutes))))


def test_a_tick_has_what_waits_archived_by_another_thread(
    test_database: TestDatabase, database: Database, resources: Resources, tmp_path: Path
) -> None:
    varied.detach(test_database)
    wanted = threading.Event()
    archivist = Archivist(database, Place("file", str(tmp_path)), wanted)
    archivist.start()
    tick(database, resources, wanted)
    wait_until(lambda: bool(test_database.ask(RUNS)), 30)
    archivist.stop()
    assert not archivist.is_alive()
    assert test_database.ask(RUNS) == [("done", 1, None)]
    assert len(list(tmp_path.rglob("*.parquet"))) == 1


def test_without_a_place_the_tick_says_that_partitions_wait(
    test_database: TestDatabase, database: Database, resources: Resources
) -> None:
    tick(database, resources, None)
    assert test_database.ask(RUNS) == [], "nothing waits yet"
    varied.detach(test_database)
    tick(database, resources, None, minutes=1)
    ((outcome, affected, problem),) = test_database.ask(RUNS)
    assert (outcome, affected) == ("failed", 0)
    assert problem == "1 partitions wait for their archive and ARCHIVE_URL is not set: set it for the workers."
    assert reasons(test_database) == []


def test_a_place_that_is_gone_is_told_and_the_thread_lives_on(
    test_database: TestDatabase, database: Database, tmp_path: Path
) -> None:
    varied.detach(test_database)
    archivist = Archivist(database, Place("file", str(tmp_path / "absent")), threading.Event())
    archivist.step()
    ((outcome, _, problem),) = test_database.ask(RUNS)
    assert outcome == "failed"
    assert "is no folder: make it, or mount what belongs there" in str(problem)
    assert test_database.value("SELECT kind FROM maintenance.troubles WHERE kind = 'failed'") == "failed"
    (tmp_path / "absent").mkdir()
    archivist.step()
    assert test_database.ask("SELECT kind FROM maintenance.troubles WHERE kind = 'failed'") == []
    assert [outcome for outcome, _, _ in test_database.ask(RUNS)] == ["failed", "done"]


def test_asked_to_stop_it_ends_though_nobody_wanted_it(tmp_path: Path) -> None:
    nowhere = Database(DatabaseSettings(url="postgresql://nobody@127.0.0.1:1/x"))
    archivist = Archivist(nowhere, Place("file", str(tmp_path)), threading.Event())
    archivist.start()
    archivist.stop()
    assert not archivist.is_alive()


def test_what_nobody_foresaw_costs_a_run_and_not_the_worker(
    test_database: TestDatabase, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    varied.detach(test_database)
    monkeypatch.setattr("db.shelving.shelve_all", fail)
    Archivist(database, Place("file", str(tmp_path)), threading.Event()).step()
    assert [outcome for outcome, _, _ in test_database.ask(RUNS)] == ["failed"]


def test_a_tick_leaves_to_the_archivist_how_it_ends(
    test_database: TestDatabase, database: Database, resources: Resources
) -> None:
    varied.detach(test_database)
    with database.transaction() as uow:
        uow.ticks.note(
            "archive-partitions",
            fire_time=NIGHT.replace(year=2020),
            next_fire_time=None,
            outcome="waits",
            problem="Its rows changed.",
        )
    tick(database, resources, threading.Event())
    ticks = "SELECT outcome, since, fire_time FROM maintenance.ticks WHERE task = 'archive-partitions'"
    assert test_database.ask(ticks) == [("waits", NIGHT.replace(year=2020), NIGHT)]
