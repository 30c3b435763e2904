from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.errors import DataRefused, PartitionMissing
from db.lines import Batch
from db.repositories.logs import IngestReport
from db.storable import storable_json
from producers.message_id import new

from .given import NOW, Given


def _line(instance_id: UUID, change: dict[str, Any]) -> dict[str, Any]:
    usual = {"timestamp": NOW, "level": "info", "source": "process", "message": "ready", "metadata": {}}
    return {"instance_id": instance_id, **usual, **change}


def _lines(instance_id: UUID, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [_line(instance_id, change) for change in changes]


def _ingest(db: Database, lines: list[dict[str, Any]], *, received_at: datetime = NOW) -> IngestReport:
    batch = Batch(
        message_id=new(),
        received_at=received_at,
        ids=[new().bytes for _ in lines],
        numbers=range(1, len(lines) + 1),
        instance_ids=[str(line["instance_id"]) for line in lines],
        timestamps=[line["timestamp"] for line in lines],
        levels=[line["level"] for line in lines],
        sources=[line["source"] for line in lines],
        messages=[line["message"] for line in lines],
        metadata=[storable_json(line["metadata"]).encode() for line in lines],
    )
    with db.transaction() as uow:
        return uow.logs.ingest([batch])


def _stored(given: Given, instance_id: UUID, column: str) -> list[object]:
    statement = f"SELECT {column} FROM mcp_logs WHERE mcp_instance_id = %s ORDER BY message"  # noqa: S608  our columns
    return [value for (value,) in given.database.ask(statement, instance_id)]


def test_a_batch_is_stored_and_counted_by_level(db: Database, given: Given) -> None:
    first, second = given.an_instance(db), given.an_instance(db)
    rows = _lines(first, {}, {"level": "error"}, {"level": "error"}) + _lines(second, {"level": "debug"})
    assert _ingest(db, rows) == IngestReport(stored=4, quarantined=0)
    with db.transaction() as uow:
        levels = uow.logs.levels([first, second], since=NOW - timedelta(hours=1))
    assert levels == {first: {"info": 1, "error": 2}, second: {"debug": 1}}


def test_lines_of_an_unknown_instance_are_quarantined_and_its_neighbours_stored(db: Database, given: Given) -> None:
    known, stranger = given.an_instance(db), uuid4()
    rows = _lines(known, {}) + _lines(stranger, {"message": "who am I"}, {}) + _lines(known, {})
    assert _ingest(db, rows) == IngestReport(stored=2, quarantined=2)
    reasons = given.database.ask(
        "SELECT reason, payload ->> 'message' FROM log_quarantine WHERE mcp_instance_id = %s ORDER BY id", stranger
    )
    assert reasons == [("unknown-instance", "who am I"), ("unknown-instance", "ready")]


def test_what_processes_print_is_stored_however_broken(db: Database, given: Given) -> None:
    """One NUL, lone surrogate or NaN would otherwise fail the whole batch."""
    instance_id = given.an_instance(db)
    hostile: list[dict[str, Any]] = [
        {"message": "a NUL \x00 inside"},
        {"message": "b lone \ud83d surrogate"},
        {"message": "c \\u0000 written out"},
        {"message": "d", "metadata": {"bad\x00key": ["\ud800", float("nan"), float("inf"), {"deep": "\x00"}]}},
        {"message": "e \t\\N \\. \n second line"},
        {"message": "f 😀 𝛑 %s %(x)s :y"},
    ]
    assert _ingest(db, _lines(instance_id, *hostile)).stored == 6
    assert _stored(given, instance_id, "message") == [
        "a NUL \ufffd inside",
        "b lone \ufffd surrogate",
        "c \\u0000 written out",
        "d",
        "e \t\\N \\. \n second line",
        "f 😀 𝛑 %s %(x)s :y",
    ]
    assert _stored(given, instance_id, "metadata")[3] == {"bad\ufffdkey": ["\ufffd", "nan", "inf", {"deep": "\ufffd"}]}


@pytest.mark.parametrize(
    "off", [timedelta(days=-365 * 27), timedelta(days=-31), timedelta(hours=1), timedelta(days=9e4)]
)
def test_a_time_that_cannot_be_true_gives_way_to_the_arrival(db: Database, given: Given, off: timedelta) -> None:
    instance_id = given.an_instance(db)
    _ingest(db, _lines(instance_id, {"timestamp": NOW + off}))
    assert _stored(given, instance_id, "timestamp") == [NOW]
    assert _stored(given, instance_id, "metadata ->> 'original_timestamp'") == [(NOW + off).isoformat()]


def test_a_time_near_the_arrival_is_believed(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    early = NOW - timedelta(minutes=20)
    _ingest(db, _lines(instance_id, {"timestamp": early}))
    assert _stored(given, instance_id, "timestamp") == [early]


def test_a_month_without_a_partition_is_named_made_and_used(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    received_at = (datetime.now(UTC).replace(day=1) + timedelta(days=32 * 4)).replace(day=2)
    rows = _lines(instance_id, {"timestamp": received_at})
    with pytest.raises(PartitionMissing) as missing:
        _ingest(db, rows, received_at=received_at)
    assert (missing.value.table, missing.value.at) == ("mcp_logs", [received_at])
    assert missing.value.table is not None
    assert missing.value.at is not None
    with db.transaction() as uow:
        uow.partitions.ensure_for(missing.value.table, missing.value.at)
    assert _ingest(db, rows, received_at=received_at).stored == 1


def test_a_level_outside_the_list_is_refused_by_name(db: Database, given: Given) -> None:
    with pytest.raises(DataRefused) as refused:
        _ingest(db, _lines(given.an_instance(db), {"level": "shout"}))
    assert refused.value.constraint == "check_level"


def test_an_empty_batch_is_no_work(db: Database) -> None:
    assert _ingest(db, []) == IngestReport(stored=0, quarantined=0)


def test_a_thousand_lines_are_one_batch(db: Database, given: Given) -> None:
    instance_id = given.an_instance(db)
    assert _ingest(db, _lines(instance_id, *({"message": f"{n:04}"} for n in range(1000)))).stored == 1000
    assert _stored(given, instance_id, "message") == [f"{n:04}" for n in range(1000)]
