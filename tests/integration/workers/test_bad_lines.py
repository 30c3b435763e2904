"""Bad lines on their whole way, from Redis through real workers into PostgreSQL: each gets what is promised."""

import json
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import psycopg
import pytest

from producers import message_id as ids
from producers.messages.logs import MAX_LINE, MAX_LINES
from tests.acceptance.processes import wait_until
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import create, reasons
from tests.integration.workers.foreign import ForeignProducer, envelope
from tests.unit.producers.samples import nested
from workers.app import running
from workers.settings import WorkerSettings

Line = dict[str, Any]

REFUSED: Final[dict[str, Callable[[Line], object]]] = {
    "a level nobody knows": lambda line: line | {"level": "shout"},
    "metadata that is a list": lambda line: line | {"metadata": [1, 2]},
    "metadata that is a text": lambda line: line | {"metadata": '{"a": 1}'},
    "metadata that is nothing": lambda line: line | {"metadata": None},
    "a time that is none": lambda line: line | {"timestamp": "NaN"},
    "a time that is no number": lambda line: line | {"timestamp": float("nan")},
    "a time without end": lambda line: line | {"timestamp": float("inf")},
    "a time that is true": lambda line: line | {"timestamp": True},
    "a time without a zone": lambda line: line | {"timestamp": "2026-11-21T12:00:00"},
    "a time before the calendar": lambda line: line | {"timestamp": "-0044-03-15T00:00:00Z"},
    "a time after the calendar": lambda line: line | {"timestamp": "10000-01-01T00:00:00Z"},
    "no time": lambda line: {key: line[key] for key in line if key != "timestamp"},
    "no message": lambda line: {key: line[key] for key in line if key != "message"},
    "a message that is a number": lambda line: line | {"message": 5},
    "no instance": lambda line: line | {"instance_id": "mine"},
    "a field too many": lambda line: line | {"colour": "red"},
    "no object": lambda _: "just text",
    "nothing": lambda _: None,
}
MENDED: Final[dict[str, tuple[Line, str, object]]] = {
    "a NUL": ({"message": "a\x00b"}, "message", "a\ufffdb"),
    "half of a pair": ({"message": "a\ud800b"}, "message", "a\ufffdb"),
    "half of a pair in a name": ({"metadata": {"\ud800": "\x00"}}, "metadata", {"\ufffd": "\ufffd"}),
    "no number": ({"metadata": {"a": float("nan")}}, "metadata", {"a": "nan"}),
    "without end": ({"metadata": {"a": -float("inf")}}, "metadata", {"a": "-inf"}),
    "over 64 bits": ({"metadata": {"a": 2**63}}, "metadata", {"a": "… [integer over 64 bits]"}),
    "too long": ({"message": "x" * (MAX_LINE + 1)}, "right(message, 15)", "xx… [truncated]"),
    "too deep": ({"metadata": nested(100)}, "metadata::text LIKE '%… [nested too deep]%'", True),
    "of year 1": ({"timestamp": "0001-01-01T00:00:00Z"}, "timestamp > now() - interval '1 minute'", True),
    "of year 9999": ({"timestamp": "9999-12-31T23:59:59Z"}, "timestamp > now() - interval '1 minute'", True),
}

NO_NUMBERS: Final = {"NaN": "nan", "Infinity": "inf"}


@pytest.fixture
def producer(redis_url: str, test_database: TestDatabase, user: None) -> ForeignProducer:
    del user
    wanted = create()
    test_database.ask(
        "INSERT INTO mcp_instances (id, user_id, mcp_type_id, access_token_hash, access_url, expires_at)"
        " SELECT %s, %s, id, %s, 'http://localhost:1', now() + interval '1 hour' FROM mcp_types LIMIT 1",
        wanted.instance_id,
        wanted.user_id,
        wanted.access_token_hash,
    )
    return ForeignProducer(redis_url, wanted.instance_id)


@pytest.fixture
def settings(redis_url: str, test_database: TestDatabase) -> WorkerSettings:
    return WorkerSettings(redis_url, test_database.settings(), threads=4, queues=frozenset({"logs"}))


@pytest.fixture
def worker(settings: WorkerSettings, producer: ForeignProducer) -> Iterator[None]:
    """Have a worker, and at the end nothing that it has not dealt with."""
    with running(settings):
        yield
    assert not producer.left()


@pytest.mark.usefixtures("worker")
def test_of_a_full_batch_with_one_bad_line_of_each_kind_the_good_are_stored_and_the_bad_are_told_by_number(
    producer: ForeignProducer, test_database: TestDatabase
) -> None:
    lines: list[object] = [producer.line(message=f"good {number}") for number in range(MAX_LINES)]
    bad = {7 + 40 * place: spoil(producer.line()) for place, spoil in enumerate(REFUSED.values())}
    stranger = 950
    for number, line in {**bad, stranger: producer.line(instance_id=str(uuid4()))}.items():
        lines[number - 1] = line
    for place, (change, *_) in enumerate(MENDED.values()):
        lines[20 + 40 * place] = producer.line(**change)
    message_id = ids.new()
    twice = envelope(message_id, json.dumps({"lines": lines}).encode())
    producer.push(twice, twice)
    _wait_for(producer)
    assert test_database.value("SELECT count(*) FROM mcp_logs") == MAX_LINES - len(bad) - 1
    told = [json.loads(json.dumps(line), parse_constant=NO_NUMBERS.__getitem__) for line in bad.values()]
    assert _quarantined(test_database) == [
        *((number, line, message_id, "contract") for number, line in zip(bad, told, strict=True)),
        (stranger, None, message_id, "unknown-instance"),
    ]
    assert test_database.value(
        "SELECT bool_and(payload ->> 'problem' LIKE 'the line does not fit its contract: %%')"
        " FROM log_quarantine WHERE reason = 'contract'"
    )
    assert reasons(test_database) == []


def _quarantined(database: TestDatabase) -> list[tuple[object, ...]]:
    return database.ask(
        "SELECT line_number, payload -> 'line', message_id, reason FROM log_quarantine ORDER BY line_number"
    )


@pytest.mark.usefixtures("worker")
def test_what_can_be_mended_is_stored_so_that_one_sees_it(
    producer: ForeignProducer, test_database: TestDatabase
) -> None:
    for change, shown, stored in MENDED.values():
        producer.send(producer.line(**change))
        _wait_for(producer)
        assert test_database.ask(f"SELECT {shown} FROM mcp_logs") == [(stored,)]  # noqa: S608  an expression of this file
        test_database.ask("TRUNCATE mcp_logs")
    assert _quarantined(test_database) == []


@pytest.mark.usefixtures("worker")
def test_a_time_at_either_end_of_the_calendar_gives_way_to_the_moment_of_the_message(
    producer: ForeignProducer, test_database: TestDatabase
) -> None:
    """With these offsets the moment itself is outside of the calendar; with a NUL a line is read another way."""
    wild = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00"]
    producer.send(*(producer.line(timestamp=each) for each in wild))
    producer.send(*(producer.line(timestamp=each, message="\x00") for each in wild))
    _wait_for(producer)
    found = test_database.ask(
        "SELECT metadata ->> 'original_timestamp', count(*), min(timestamp) > now() - interval '1 minute'"
        " FROM mcp_logs GROUP BY 1 ORDER BY 1"
    )
    assert found == [(each, 2, True) for each in wild]


@pytest.mark.usefixtures("worker")
def test_a_line_of_ten_megabytes_is_a_dead_letter_and_one_that_fits_its_envelope_is_cut(
    producer: ForeignProducer, test_database: TestDatabase
) -> None:
    ten = json.dumps({"lines": [producer.line(message="x" * 10_000_000)]}).encode()
    producer.send_payload(ten)
    producer.send_payload(b'"' + b64encode(zlib.compress(ten)) + b'"', encoding="zlib", payload_bytes=len(ten))
    producer.send(producer.line(message="y" * 1_000_000), producer.line(message="beside"))
    producer.send(producer.line(message="after"))
    _wait_for(producer)
    assert test_database.ask("SELECT length(message), right(message, 13) FROM mcp_logs ORDER BY 1 DESC LIMIT 1") == [
        (MAX_LINE, "… [truncated]")
    ]
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 3
    letters = test_database.ask("SELECT reason, error, length(payload) <= 1048576 FROM dead_letters ORDER BY error")
    assert [(reason, is_short) for reason, _, is_short in letters] == [("unreadable", True)] * 2
    assert "more than 1,048,576 bytes when it is decompressed" in str(letters[0][1])
    assert "the limit is 1,048,576" in str(letters[1][1])


@pytest.mark.usefixtures("worker")
def test_a_nesting_without_end_is_a_dead_letter_and_kills_nobody(
    producer: ForeignProducer, test_database: TestDatabase
) -> None:
    frame = json.dumps({"lines": [producer.line(metadata={"in": "HERE"})]}).encode()
    nestings = [
        opening * levels + b"1" + closing * levels
        for levels in (100_000, 1_000_000)
        for opening, closing in ((b"[", b"]"), (b'{"":', b"}"), (b"[", b""))
    ]
    for nesting in nestings:
        payload = frame.replace(b'"HERE"', nesting)
        producer.send_payload(payload)
        producer.send_payload(b'"' + b64encode(zlib.compress(payload)) + b'"', encoding="zlib")
    producer.send(producer.line(message="after"))
    _wait_for(producer)
    assert test_database.ask("SELECT message FROM mcp_logs") == [("after",)]
    assert reasons(test_database) == ["unreadable"] * 2 * len(nestings)


def test_one_batch_that_two_workers_have_in_hand_at_once_is_stored_once(
    settings: WorkerSettings, producer: ForeignProducer, test_database: TestDatabase
) -> None:
    batch = envelope(ids.new(), json.dumps({"lines": [producer.line()] * 500}).encode())
    with psycopg.connect(test_database.admin_url) as blocking:
        blocking.execute("LOCK TABLE mcp_logs IN SHARE MODE")
        with running(settings):
            producer.push(batch)
            wait_until(lambda: _waiting_sessions(test_database) == 1, 10)
            with running(settings):
                producer.push(batch)
                wait_until(lambda: _waiting_sessions(test_database) == 2, 10)
                blocking.commit()
                _wait_for(producer)
    assert test_database.value("SELECT count(*) FROM mcp_logs") == 500
    assert test_database.value("SELECT count(*) FROM inbox") == 1
    assert reasons(test_database) == []


@pytest.mark.usefixtures("worker")
def test_lines_of_months_without_a_partition_are_stored_once_in_partitions_that_are_made_for_them(
    producer: ForeignProducer, test_database: TestDatabase
) -> None:
    partitions = "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'mcp_logs'::regclass"
    for (partition,) in test_database.ask(partitions):
        test_database.ask(f"DROP TABLE {partition}")
    times = [datetime.now(UTC) - timedelta(days=days) for days in (0, 20, 29)]
    for _ in range(20):
        producer.send(*(producer.line(timestamp=at.isoformat()) for at in times))
    _wait_for(producer)
    assert test_database.ask("SELECT timestamp, count(*) FROM mcp_logs GROUP BY 1 ORDER BY 1 DESC") == [
        (at, 20) for at in times
    ]
    assert test_database.value("SELECT count(*) FROM mcp_logs WHERE metadata ? 'original_timestamp'") == 0
    assert reasons(test_database) == []
    assert test_database.ask("TABLE redeliveries") == []


def _wait_for(producer: ForeignProducer) -> None:
    wait_until(lambda: not producer.left(), 20, lambda: repr(producer.left()))


def _waiting_sessions(database: TestDatabase) -> object:
    return database.value(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'minimcp' AND wait_event_type = 'Lock'"
        " AND datname = current_database()"
    )
