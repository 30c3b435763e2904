"""Log lines from Redis to the table: bad ones put aside, good ones stored once, batches together."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from producers import LogLine, LogsEmitted
from producers.envelope import seal
from tests.databases import TestDatabase
from workers.actors import ACTORS
from workers.applier import Applier
from workers.commands import logs
from workers.delivery import Delivery
from workers.group import GroupApplier
from workers.resources import Resources

from .deliveries import create, delivered, make_applier, make_group_applier, reasons, repacked

pytestmark = pytest.mark.usefixtures("user")

NOW: Final = datetime.now(UTC)


@pytest.fixture
def apply(database: Database, resources: Resources) -> Applier:
    return make_applier(database, resources, *ACTORS)


@pytest.fixture
def together(database: Database, resources: Resources) -> GroupApplier:
    return make_group_applier(database, resources, *ACTORS)


@pytest.fixture
def instance_id(apply: Applier) -> UUID:
    wanted = create()
    apply(delivered(wanted))
    return wanted.instance_id


def _batch(instance_id: UUID, lines: int = 1) -> LogsEmitted:
    return LogsEmitted(lines=[LogLine(instance_id=instance_id, timestamp=NOW, message=f"{n:04}") for n in range(lines)])


def _with(message: LogsEmitted, bad: dict[int, object]) -> Delivery:
    envelope = json.loads(seal(message))
    for number, line in bad.items():
        envelope["args"][0]["lines"].insert(number - 1, line)
    return repacked(json.dumps(envelope).encode())


def test_a_batch_without_one_good_line_is_applied_and_kept_in_quarantine(
    apply: Applier, instance_id: UUID, test_database: TestDatabase
) -> None:
    envelope = json.loads(seal(_batch(instance_id)))
    envelope["args"][0]["lines"] = [{"message": "x" * 100_000}, 5]
    apply(repacked(json.dumps(envelope).encode()))
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 0
    assert test_database.value("SELECT count(*) FROM inbox WHERE message_id = %s", envelope["message_id"]) == 1
    kept = test_database.ask("SELECT length(payload ->> 'line') FROM log_quarantine ORDER BY line_number")
    assert kept == [(8_192 + len("… [truncated]"),), (1,)]


def test_a_batch_whose_rest_does_not_fit_is_a_dead_letter(
    apply: Applier, instance_id: UUID, test_database: TestDatabase
) -> None:
    envelope = json.loads(seal(_batch(instance_id)))
    envelope["args"][0] |= {"occurred_at": "yesterday", "lines": [5]}
    apply(repacked(json.dumps(envelope).encode()))
    assert len(reasons(test_database)) == 1


@pytest.mark.parametrize("year", [1, 9999])
def test_a_wild_time_gives_way_to_the_moment_of_the_message_id_whatever_the_message_says(
    apply: Applier, instance_id: UUID, test_database: TestDatabase, year: int
) -> None:
    wild = NOW.replace(year=year)
    line = LogLine(instance_id=instance_id, timestamp=wild, message="when")
    apply(delivered(LogsEmitted(lines=[line], occurred_at=wild)))
    assert test_database.ask(
        "SELECT now() - timestamp < interval '1 minute', metadata ->> 'original_timestamp' FROM mcp_logs"
    ) == [(True, wild.isoformat())]


def test_batches_that_were_fetched_together_share_a_transaction(
    together: GroupApplier, instance_id: UUID, test_database: TestDatabase
) -> None:
    batches = [_batch(instance_id, 3) for _ in range(40)]
    stray = _batch(uuid4())
    together(*map(delivered, [*batches[:20], stray, *batches[20:]]))
    together(*map(delivered, batches[:5]))
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 120
    assert test_database.value("SELECT count(DISTINCT xmin::text) FROM mcp_logs") == 1
    assert test_database.ask("SELECT message_id, line_number, reason FROM log_quarantine") == [
        (stray.message_id, 1, "unknown-instance")
    ]


def test_the_same_batches_applied_by_two_workers_at_once_are_stored_once(
    database: Database, resources: Resources, instance_id: UUID, test_database: TestDatabase
) -> None:
    deliveries = [delivered(_batch(instance_id, 10)) for _ in range(20)]
    workers = [make_group_applier(database, resources, *ACTORS) for _ in range(2)]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda worker: worker(*deliveries), workers))
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 200


def test_people_read_why_lines_are_in_quarantine(database: Database, apply: Applier, instance_id: UUID) -> None:
    assert logs.show_quarantine(database, days=7, as_json=False) == "No line went into quarantine in the last 7 days."
    apply(_with(_batch(instance_id), {1: "text", 2: 5}))
    apply(delivered(_batch(uuid4())))
    told = json.loads(logs.show_quarantine(database, days=7, as_json=True))
    assert [(each["reason"], each["lines"], each["instances"]) for each in told] == [
        ("contract", 2, 0),
        ("unknown-instance", 1, 1),
    ]
    assert "contract" in logs.show_quarantine(database, days=7, as_json=False).splitlines()[1]


def test_a_full_disk_makes_lines_wait_and_each_is_stored_once(
    apply: Applier, instance_id: UUID, test_database: TestDatabase
) -> None:
    """A sequence counts across rollbacks: the first two attempts meet a full disk, the third does not."""
    test_database.ask("CREATE SEQUENCE attempts; GRANT USAGE ON SEQUENCE attempts TO PUBLIC")
    test_database.ask(
        "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF nextval('public.attempts') < 3 THEN RAISE 'No space left on device' USING ERRCODE = '53100'; END IF;"
        " RETURN NULL; END $$"
    )
    test_database.ask("CREATE TRIGGER fill AFTER INSERT ON mcp_logs FOR EACH STATEMENT EXECUTE FUNCTION fill()")
    apply(delivered(_batch(instance_id, 100)))
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 100
    assert test_database.value("SELECT last_value FROM attempts") == 3
    assert test_database.value("SELECT count(*) FROM redeliveries") == 0
