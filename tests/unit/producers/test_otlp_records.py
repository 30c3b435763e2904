"""A record of OpenTelemetry becomes a line, and says why when it does not."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from producers import LogLine
from producers.otlp import records
from producers.otlp.media import Media
from producers.otlp.refusals import RequestTooLarge

from .exports import INSTANCE, attributes, nanoseconds, record, request, written

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


def line(one: LogRecord, **resource: str) -> LogLine:
    (found,) = records.read(request(one, **resource), now=NOON).lines
    return found


@pytest.mark.parametrize(
    ("number", "text", "level"),
    [
        (0, "", "info"),
        (0, "Critical", "error"),
        (0, "nonsense", "info"),
        (1, "", "debug"),
        (8, "", "debug"),
        (9, "ERROR", "info"),
        (12, "", "info"),
        (13, "", "warn"),
        (16, "", "warn"),
        (17, "", "error"),
        (24, "", "error"),
        (25, "warn", "warn"),
        (2**31 - 1, "", "info"),
        (-5, "", "info"),
    ],
)
def test_a_severity_is_a_level(number: int, text: str, level: str) -> None:
    severe = LogRecord(severity_text=text)
    severe.severity_number = number  # type: ignore[assignment]  # senders know numbers that we do not
    assert line(severe).level == level


def test_a_line_has_the_time_of_its_record_or_when_it_was_seen_or_the_newest_of_its_neighbours() -> None:
    seen, printed = nanoseconds(NOON - timedelta(seconds=1)), nanoseconds(NOON - timedelta(hours=1))
    found = records.read(
        request(
            LogRecord(time_unix_nano=printed, observed_time_unix_nano=seen),
            LogRecord(observed_time_unix_nano=seen),
            LogRecord(),
        ),
        now=NOON,
    )
    last = NOON - timedelta(seconds=1)
    assert [one.timestamp for one in found.lines] == [NOON - timedelta(hours=1), last, last]
    assert line(LogRecord()).timestamp == NOON


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (AnyValue(string_value="plain"), "plain"),
        (AnyValue(int_value=5), "5"),
        (AnyValue(bool_value=True), "true"),
        (AnyValue(double_value=0.5), "0.5"),
        (AnyValue(bytes_value=b"\x00\xff"), "AP8="),
        (AnyValue(), "started"),
        (
            AnyValue(
                kvlist_value=KeyValueList(
                    values=[
                        KeyValue(
                            key="é", value=AnyValue(array_value=ArrayValue(values=[AnyValue(), AnyValue(int_value=1)]))
                        )
                    ]
                )
            ),
            '{"é": [null, 1]}',
        ),
    ],
)
def test_a_body_of_any_kind_is_text_and_without_one_the_event_has_a_name(value: AnyValue, text: str) -> None:
    assert line(LogRecord(body=value, event_name="started")).message == text


def test_what_belongs_to_a_record_is_its_metadata() -> None:
    told = request(
        record(trace_id=bytes(range(16)), span_id=bytes(range(8)), flags=1, attributes=attributes(tool="get_file")),
        mcp__instance_id=str(INSTANCE),
        service__name="figma",
    )
    told.resource_logs[0].scope_logs[0].scope.name = "app"
    (found,) = records.read(told, now=NOON).lines
    assert found.metadata == {
        "resource": {"service.name": "figma"},
        "scope": {"name": "app"},
        "attributes": {"tool": "get_file"},
        "trace_id": "000102030405060708090a0b0c0d0e0f",
        "span_id": "0001020304050607",
        "flags": 1,
    }


def test_the_instance_is_the_records_own_then_the_resources_then_the_services() -> None:
    one, two, three = (uuid4() for _ in range(3))
    own = attributes(mcp__instance_id=str(one))
    resource = {"mcp__instance_id": str(two), "service__instance__id": str(three)}
    assert line(record(attributes=own), **resource).instance_id == one
    assert line(record(), **resource).instance_id == two
    assert line(record(), service__instance__id=str(three)).instance_id == three
    assert line(record(attributes=attributes(service__instance__id=str(one))), **resource).instance_id == two


def test_records_without_an_instance_are_rejected_with_the_reason_and_their_neighbours_are_not() -> None:
    told = request(record(), record(attributes=attributes(mcp__instance_id="mine")))
    told.MergeFrom(request(record(), service__name="figma"))
    told.MergeFrom(request(record(), record(), service__instance__id="pod-7"))
    found = records.read(told, now=NOON)
    assert len(found.lines) == 1
    assert found.rejected == {
        "mcp.instance_id is no UUID": 1,
        "there is no attribute mcp.instance_id": 1,
        "service.instance.id is no UUID and there is no mcp.instance_id": 2,
    }


def test_a_few_wild_times_do_not_tell_when_a_request_was_made() -> None:
    wild = [2**64 - 1, 1, nanoseconds(NOON - timedelta(days=400))]
    usual = [nanoseconds(NOON - timedelta(seconds=second)) for second in range(5)]
    found = records.read(
        request(*(record(time_unix_nano=0, observed_time_unix_nano=t) for t in wild + usual)), now=NOON
    )
    assert found.made == NOON
    assert len(found.lines) == 8
    assert records.read(request(LogRecord()), now=NOON).made is None


def test_json_of_otlp_says_the_same_as_protobuf() -> None:
    body = written(
        {
            "timeUnixNano": str(nanoseconds(NOON)),
            "severityNumber": 13,
            "body": {"stringValue": "slow"},
            "traceId": "5B8EFFF798038103D269B633813FC60C",
            "spanId": "EEE19B7EC3C1B174",
            "attributes": [{"key": "n", "value": {"intValue": "9007199254740993"}}],
            "aFieldOfTomorrow": {"x": 1},
        },
        {"traceId": "nohexnohexnohexx", "body": {"doubleValue": "NaN"}},
    )
    first, second = records.read(Media.JSON.request(body), now=NOON).lines
    assert (first.level, first.message, first.timestamp) == ("warn", "slow", NOON)
    assert first.metadata["trace_id"] == "5b8efff798038103d269b633813fc60c"
    assert first.metadata["span_id"] == "eee19b7ec3c1b174"
    assert first.metadata["attributes"] == {"n": 9007199254740993}
    assert (second.message, "trace_id" in second.metadata) == ("NaN", False)


@given(
    times=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5),
    text=st.text(),
    number=st.integers(-(2**31), 2**31 - 1),
    instance=st.text(max_size=40) | st.uuids().map(str),
)
def test_every_record_is_a_line_or_is_rejected(times: list[int], text: str, number: int, instance: str) -> None:
    told = request(
        *(LogRecord(time_unix_nano=time, severity_text=text, event_name=text) for time in times),
        mcp__instance_id=instance,
    )
    told.resource_logs[0].scope_logs[0].log_records[0].severity_number = number  # type: ignore[assignment]  # any
    found = records.read(told, now=NOON)
    assert len(found.lines) + found.rejected.total() == len(times)
    assert all(one.instance_id == UUID(instance) for one in found.lines)


def test_a_request_of_more_records_than_are_taken_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty record takes two bytes, so a limit in bytes is none."""
    monkeypatch.setattr(records, "MOST_RECORDS", 3)
    assert len(records.read(request(*[record()] * 3), now=NOON).lines) == 3
    with pytest.raises(RequestTooLarge, match="it has 4 records, the limit is 3: send smaller batches"):
        records.read(request(*[record()] * 4), now=NOON)
