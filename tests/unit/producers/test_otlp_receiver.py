"""An export is decoded, made into messages that are the same on a second try, and sent before it is answered."""

import gzip
import json
import zlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from producers import BrokerFull, BrokerUnavailable, LogsEmitted, Producer, QueueFull
from producers import message_id as ids
from producers.broker import Sealed
from producers.otlp.media import Media
from producers.otlp.receiver import Export, settled
from producers.otlp.refusals import (
    BacklogFull,
    BusAway,
    RefusalError,
    RequestTooLarge,
    UndecodableRequest,
    UnsupportedMedia,
)
from producers.testing import RecordingProducer
from tests.integration.workers.bus import RecordingTransport

from .exports import JSON, MOST, PROTOBUF, attributes, export, nanoseconds, receiver, record, written

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Failing(RecordingTransport):
    """Has a bus that raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def enqueue(self, sealed: Sequence[Sealed], *, durable: bool) -> None:
        """Raise."""
        super().enqueue(sealed, durable=durable)
        raise self._error


def sent(one: Export) -> list[LogsEmitted]:
    producer = RecordingProducer()
    receiver(producer).receive(one)
    return producer.of(LogsEmitted)


def test_an_export_is_answered_in_its_own_type() -> None:
    producer = RecordingProducer()
    assert receiver(producer).receive(export(record("one"), record("two"))) == b""
    assert json.loads(receiver(producer).receive(Export(written({}), f"{JSON}; charset=utf-8"))) == {}
    assert [len(message.lines) for message in producer.of(LogsEmitted)] == [2, 1]


def test_what_is_rejected_is_counted_and_named_as_the_protocol_says() -> None:
    stray = record(attributes=attributes(mcp__instance_id="mine"))
    answer = receiver(RecordingProducer()).receive(export(record(), stray, stray))
    partial = ExportLogsServiceResponse.FromString(answer).partial_success
    assert (partial.rejected_log_records, partial.error_message) == (2, "2 rejected: mcp.instance_id is no UUID")
    told = json.loads(receiver(RecordingProducer()).receive(Export(written({}, instance="mine"), JSON)))
    assert told == {
        "partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "1 rejected: mcp.instance_id is no UUID"}
    }


def test_an_export_of_nothing_sends_nothing() -> None:
    assert sent(Export(b"", PROTOBUF)) == []
    assert sent(Export(b"{}", JSON)) == []


def test_the_same_export_is_the_same_messages_however_it_was_compressed() -> None:
    one = export(*(record("x" * 900) for _ in range(2_500)))
    tries = [
        one,
        one,
        Export(gzip.compress(one.body, 1), PROTOBUF, "gzip"),
        Export(gzip.compress(one.body, 9), PROTOBUF, "GZIP"),
        Export(zlib.compress(one.body), PROTOBUF, "deflate"),
    ]
    first, *others = ([(message.message_id, message.lines) for message in sent(each)] for each in tries)
    assert len(first) > 2
    assert len({message_id for message_id, _ in first}) == len(first)
    assert all(other == first for other in others)


def test_another_export_of_the_same_moment_is_other_messages_and_so_is_one_without_any_time() -> None:
    moment = nanoseconds(datetime.now(UTC))
    words = ("one", "two", "one ")
    found = {sent(export(record(word, observed_time_unix_nano=moment)))[0].message_id for word in words}
    assert len(found) == 3
    timeless = export(LogRecord())
    assert sent(timeless)[0].message_id != sent(timeless)[0].message_id


def test_the_id_has_the_moment_of_the_newest_record() -> None:
    moment = datetime.now(UTC).replace(microsecond=5_000) - timedelta(seconds=7)
    (message,) = sent(export(record(observed_time_unix_nano=nanoseconds(moment))))
    assert ids.moment(message.message_id) == moment == message.occurred_at


@given(st.datetimes(datetime(1970, 1, 1), datetime(2554, 1, 1)).map(lambda naive: naive.replace(tzinfo=UTC)))  # noqa: DTZ001  Hypothesis wants naive bounds
def test_every_moment_is_settled_where_workers_accept_it_and_stays_there(made: datetime) -> None:
    found = settled(made, NOW)
    assert NOW - timedelta(days=21) <= found <= NOW + timedelta(minutes=5)
    assert (made - found) % timedelta(days=1) == timedelta(0)
    assert settled(made, NOW + timedelta(seconds=1)) in {found, found + timedelta(days=1), found - timedelta(days=20)}


@pytest.mark.parametrize("ago", [timedelta(minutes=-4), timedelta(0), timedelta(days=20)])
def test_a_moment_that_workers_accept_is_kept(ago: timedelta) -> None:
    assert settled(NOW - ago, NOW) == NOW - ago


def test_a_line_that_no_message_could_carry_is_rejected_and_its_neighbours_are_not() -> None:
    answer = receiver(producer := RecordingProducer()).receive(
        export(record("small"), record("large", attributes=attributes(body="x" * 1_000_000)))
    )
    assert "1 rejected: it has more than 900,000 bytes" in str(ExportLogsServiceResponse.FromString(answer))
    assert [line.message for message in producer.of(LogsEmitted) for line in message.lines] == ["small"]


DECODED: Final = "is not an ExportLogsServiceRequest"
BAD: Final[dict[str, tuple[Export, type[RefusalError], str]]] = {
    "text": (Export(b"", "text/plain"), UnsupportedMedia, "the Content-Type is 'text/plain'"),
    "no type": (Export(b"", ""), UnsupportedMedia, "send application/x-protobuf or application/json"),
    "an encoding nobody reads": (Export(b"", PROTOBUF, "br"), UnsupportedMedia, "the Content-Encoding is 'br'"),
    "two encodings": (Export(b"", PROTOBUF, "gzip, gzip"), UnsupportedMedia, "the Content-Encoding"),
    "no protobuf": (Export(b"not protobuf", PROTOBUF), UndecodableRequest, DECODED),
    "half JSON": (Export(b"{", JSON), UndecodableRequest, DECODED),
    "nothing as JSON": (Export(b"", JSON), UndecodableRequest, DECODED),
    "a list": (Export(b"[]", JSON), UndecodableRequest, DECODED),
    "no UTF-8": (Export(b"\xff\xfe", JSON), UndecodableRequest, DECODED),
    "a number for a list": (Export(b'{"resourceLogs": 5}', JSON), UndecodableRequest, DECODED),
    "a million levels": (Export(b"[" * 1_000_000, JSON), UndecodableRequest, DECODED),
    "no gzip": (Export(b"plain", PROTOBUF, "gzip"), UndecodableRequest, "is not gzip, it cannot be decompressed"),
    "half gzip": (Export(gzip.compress(b"")[:-4], PROTOBUF, "gzip"), UndecodableRequest, "is not one whole stream"),
    "gzip twice": (Export(gzip.compress(b"") * 2, PROTOBUF, "gzip"), UndecodableRequest, "is not one whole stream"),
    "a bomb": (Export(gzip.compress(bytes(MOST + 1)), PROTOBUF, "gzip"), RequestTooLarge, "more than 4,194,304 bytes"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_with_a_sentence(name: str) -> None:
    bad, refusal, sentence = BAD[name]
    with pytest.raises(refusal) as refused:
        receiver(RecordingProducer()).receive(bad)
    assert sentence in str(refused.value)


@given(body=st.binary(max_size=200), media=st.sampled_from([PROTOBUF, JSON]), encoding=st.sampled_from(["", "gzip"]))
def test_whatever_comes_is_taken_or_refused(body: bytes, media: str, encoding: str) -> None:
    with suppress(UndecodableRequest):
        receiver(RecordingProducer()).receive(Export(body, media, encoding))


def test_whoever_has_many_lines_in_an_export_travels_apart_from_the_others() -> None:
    noisy, others = uuid4(), [uuid4() for _ in range(20)]
    owners = [noisy if number % 2 else others[number % 20] for number in range(400)]
    lines = [record(str(n), attributes=attributes(mcp__instance_id=str(owner))) for n, owner in enumerate(owners)]
    quiet, loud = sent(export(*lines))
    assert {line.instance_id for line in loud.lines} == {noisy}
    assert noisy not in {line.instance_id for line in quiet.lines}
    assert [line.message for line in loud.lines] == [str(number) for number in range(1, 400, 2)]
    assert len(quiet.lines) == 200


@pytest.mark.parametrize(
    ("error", "refusal"),
    [(BrokerUnavailable("away"), BusAway), (BrokerFull("full"), BacklogFull), (QueueFull("behind"), BacklogFull)],
)
def test_a_bus_that_does_not_take_it_has_the_sender_try_again(error: Exception, refusal: type[RefusalError]) -> None:
    with pytest.raises(refusal) as refused:
        receiver(Producer(Failing(error))).receive(export(record()))
    assert int(refused.value.headers["retry-after"]) > 0


def test_a_refusal_is_a_status_of_google_rpc() -> None:
    refusal = BacklogFull("come back later")
    status = Status.FromString(Media.PROTOBUF.refused(refusal))
    assert (status.code, status.message) == (8, "come back later")
    assert json.loads(Media.JSON.refused(refusal)) == {"code": 8, "message": "come back later"}
