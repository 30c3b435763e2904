"""`python -m producers otlp` over real HTTP, with a real Valkey behind it."""

import gzip
import http.client
import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest
from google.rpc.status_pb2 import Status

from producers.__main__ import main
from producers.broker import redis_client
from tests.acceptance.processes import finished
from tests.integration.bus.network import FaultyNetwork
from tests.integration.producers.receivers import RunningReceiver, receiving
from tests.unit.producers.exports import JSON, PROTOBUF, export, record, written

MOST: Final = 100_000


@pytest.fixture
def receiver(redis_url: str) -> Iterator[RunningReceiver]:
    with receiving(redis_url, "--most-bytes", str(MOST)) as running:
        yield running


def batches(url: str) -> list[list[str]]:
    envelopes = redis_client(url).hvals("dramatiq:logs.msgs")
    return [[line["message"] for line in json.loads(each)["args"][0]["lines"]] for each in envelopes]


def test_exports_are_taken_and_what_is_wrong_with_others_is_said(receiver: RunningReceiver, redis_url: str) -> None:
    """One process for all, since it takes a second to start."""
    assert_taken_once(receiver, redis_url)
    assert_refused(receiver)
    assert_told_how_it_is(receiver)
    assert batches(redis_url) == [["one", "two"]]
    assert receiver.process.end() == 0
    assert "Traceback" not in receiver.process.log


def assert_taken_once(receiver: RunningReceiver, redis_url: str) -> None:
    body = export(record("one"), record("two")).body
    for answer in (
        receiver.post(body),
        receiver.post(body),
        receiver.post(gzip.compress(body), content_encoding="gzip"),
    ):
        assert (answer.status, answer.headers["content-type"], answer.body) == (200, PROTOBUF, b"")
    assert redis_client(redis_url).hlen("dramatiq:logs.msgs") == 1
    told = receiver.post(written({}, instance="mine"), JSON)
    assert (told.status, told.headers["content-type"]) == (200, JSON)
    assert json.loads(told.body)["partialSuccess"]["rejectedLogRecords"] == "1"


def assert_refused(receiver: RunningReceiver) -> None:
    undecodable = receiver.post(b"not protobuf")
    assert (undecodable.status, undecodable.headers["content-type"]) == (400, PROTOBUF)
    assert "is not an ExportLogsServiceRequest" in Status.FromString(undecodable.body).message
    assert json.loads(receiver.post(b"{", JSON).body)["code"] == 3
    assert receiver.post(b"", "text/plain").status == 415
    assert receiver.post(b"", content_encoding="zstd").headers["accept-encoding"] == "gzip, deflate"
    assert receiver.post(bytes(MOST + 1)).status == 413
    assert receiver.post(gzip.compress(bytes(MOST + 1)), content_encoding="gzip").status == 413
    endless = (b"x" * 10_000 for _ in range(1_000))
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)) as connection:
        try:
            connection.request("POST", "/v1/logs", endless, {"content-type": PROTOBUF}, encode_chunked=False)
        except OSError:
            return  # it hung up while we were still sending
        assert connection.getresponse().status == 413


def assert_told_how_it_is(receiver: RunningReceiver) -> None:
    health = receiver.ask("GET", "/healthz")
    assert (health.status, json.loads(health.body)["status"]) == (200, "ok")
    assert receiver.post(b"", path="/v1/traces").status == 404
    got = receiver.ask("GET", "/v1/logs")
    assert (got.status, json.loads(got.body)["message"]) == (405, "there is only POST /v1/logs, and GET /healthz")


def test_a_sender_is_told_to_try_again_while_redis_is_away_or_the_workers_are_behind(redis_url: str) -> None:
    with (
        FaultyNetwork(int(redis_url.rpartition(":")[2].split("/")[0])) as network,
        receiving(network.url, "--most-waiting", "2") as receiver,
    ):
        network.cut()
        away = receiver.post(export(record()).body)
        assert (away.status, away.headers["retry-after"]) == (503, "2")
        assert receiver.ask("GET", "/healthz").status == 503
        network.mend()
        assert [receiver.post(export(record(str(number))).body).status for number in range(2)] == [200, 200]
        behind = receiver.post(export(record("late")).body)
        assert (behind.status, behind.headers["retry-after"]) == (429, "5")
        assert "2 messages wait in logs" in Status.FromString(behind.body).message
        assert json.loads(receiver.ask("GET", "/healthz").body)["waiting"] == {"logs": 2, "logs_bulk": 0}
    assert len(batches(redis_url)) == 2


def test_only_who_has_the_token_is_heard(redis_url: str) -> None:
    with receiving(redis_url, "--host", "0.0.0.0", OTLP_TOKEN="opensésame") as receiver:  # noqa: S104  the case
        body = export(record()).body
        refused = [receiver.post(body), receiver.post(body, authorization="Bearer open")]
        assert {(each.status, each.headers["www-authenticate"]) for each in refused} == {(401, "Bearer")}
        assert receiver.post(body, authorization="Bearer opensésame").status == 200


def test_nobody_listens_to_strangers_by_accident(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["otlp", "--host", "0.0.0.0", "--url", "redis://127.0.0.1:1"]) == 1  # noqa: S104  the case
    assert "everybody could write lines: set OTLP_TOKEN" in capsys.readouterr().err


def test_without_the_extra_the_error_names_it() -> None:
    blocked = "import sys; sys.modules['starlette'] = None; from producers.__main__ import main; sys.exit(main())"
    ended = finished("-c", blocked, "otlp", "--url", "redis://127.0.0.1:1")
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: starlette")
    assert "pip install 'minimcp-producers[otlp]'" in ended.stderr


def test_what_is_on_its_way_at_sigterm_is_still_taken(receiver: RunningReceiver, redis_url: str) -> None:
    body = export(record("just in time")).body
    head = f"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: {PROTOBUF}\r\ncontent-length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=20) as connection:
        connection.sendall(head.encode() + body[:10])
        time.sleep(0.2)  # the server has no other way of saying that it has seen the first bytes
        receiver.process.process.send_signal(signal.SIGTERM)
        receiver.process.wait_for_line("Waiting for connections to close")
        connection.sendall(body[10:])
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert receiver.process.process.wait(20) == 0
    assert batches(redis_url) == [["just in time"]]
