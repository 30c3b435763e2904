"""A gateway's requests are recorded, however they end, and nobody notices."""

import asyncio
import logging
from typing import Any, Final
from uuid import UUID

import pytest

from producers import ACTIONS, CALLS, REQUESTS, SAMPLES, Buffer, RecordedApp, ServedRequest
from producers.messages import gateway
from producers.recorded import About, App, Event, Receive, Scope, Send
from producers.shapes import Shape
from producers.testing import RecordingProducer

SERVER: Final = "figma-eu-1"
SCOPE: Final[dict[str, Any]] = {
    "type": "http",
    "method": "POST",
    "path": "/mcp",
    "query_string": b"verbose=1&access_token=hunter2",
    "headers": [(b"User-Agent", b"probe/1"), (b"authorization", b"Bearer hunter2"), (b"x-other", b"y")],
    "client": ("192.0.2.7", 4711),
}


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    scope["server"] = SERVER
    await send({"type": "http.response.start", "status": 207, "headers": []})
    await send({"type": "http.response.body", "body": b"12345", "more_body": True})
    await send({"type": "http.response.body", "body": b"678"})


async def failing(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    message = "upstream is away"
    raise ConnectionResetError(message)


async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, send
    await receive()


def recorded(app: App, about: About | None = None, **changes: object) -> tuple[list[ServedRequest], list[Event]]:
    """Serve one request, and give what was recorded and what was sent."""
    producer, sent = RecordingProducer(), list[Event]()

    async def send(event: Event) -> None:
        sent.append(event)

    async def receive() -> Event:
        raise asyncio.CancelledError

    with Buffer(producer, REQUESTS) as buffer:
        serving = RecordedApp(app, buffer, about=about)({**SCOPE, **changes}, receive, send)
        try:
            asyncio.run(_served(serving))
        except ConnectionResetError:
            sent.append({"type": "raised"})
    return [each for message in producer.of(gateway.RequestsServed) for each in message.requests], sent


async def _served(serving: Any) -> None:  # noqa: ANN401  what an application gives is awaitable
    try:
        await serving
    except asyncio.CancelledError:
        return


def test_a_request_is_recorded_as_it_was_answered_without_its_secrets() -> None:
    (one,), sent = recorded(answering, lambda scope: {"server_id": scope["server"], "metadata": {"route": "a"}})
    assert [event["type"] for event in sent] == ["http.response.start", "http.response.body", "http.response.body"]
    assert (one.method, one.path, one.status_code, one.response_size_bytes) == ("POST", "/mcp", 207, 8)
    assert (one.server_id, str(one.ip_address)) == (SERVER, "192.0.2.7")
    assert one.metadata == {"route": "a"}
    assert one.headers == {"User-Agent": "probe/1"}
    assert one.query_params == {"verbose": "1", "access_token": "[redacted]"}
    assert one.duration_ms is not None
    assert one.duration_ms < 5_000
    assert UUID(one.request_id).version == 7


def test_a_request_that_fails_or_is_given_up_is_recorded_too() -> None:
    (failed,), sent = recorded(failing)
    assert (failed.status_code, failed.error_type, failed.error) == (None, "ConnectionResetError", "upstream is away")
    assert sent == [{"type": "raised"}]
    (given_up,), _ = recorded(hanging)
    assert given_up.error_type == "CancelledError"


def test_what_is_wrong_with_a_record_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        found, sent = recorded(answering, lambda _scope: {"user_id": "nonsense"})
    assert (found, len(sent)) == ([], 3)
    assert "a request was not recorded" in caplog.text


@pytest.mark.parametrize("client", [None, ("/run/gateway.sock", 0), ()])
def test_a_caller_without_an_address_is_recorded_without_one(client: object) -> None:
    (one,), _ = recorded(answering, client=client)
    assert one.ip_address is None


def test_what_is_no_request_passes() -> None:
    found, sent = recorded(answering, type="websocket")
    assert (found, len(sent)) == ([], 3)


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        (REQUESTS, {"request_id": "r", "requested_at": "2026-11-21T12:00:00Z", "method": "GET", "path": "/"}),
        (SAMPLES, {"server_id": SERVER, "sampled_at": "2026-11-21T12:00:00Z"}),
        (ACTIONS, {"acted_at": "2026-11-21T12:00:00Z", "action": "delete", "resource_type": "server"}),
        (
            CALLS,
            {
                "called_at": "2026-11-21T12:00:00Z",
                "user_id": "ada",
                "method": "tools/call",
                "success": True,
                "duration_ms": 7,
            },
        ),
    ],
    ids=["requests", "samples", "actions", "calls"],
)
def test_records_of_every_kind_are_buffered(shape: Shape[Any], part: dict[str, Any]) -> None:
    kinds = (gateway.ServedRequest, gateway.MetricSample, gateway.AuditedAction, gateway.AuditedCall)
    made = kinds[[REQUESTS, SAMPLES, ACTIONS, CALLS].index(shape)].model_validate(part)
    producer = RecordingProducer()
    with Buffer(producer, shape) as buffer:
        assert buffer.put(made)
    (message,) = producer.sent
    assert message == shape.message([made]).model_copy(
        update={"message_id": message.message_id, "occurred_at": message.occurred_at}
    )


def test_requests_that_went_well_give_way_to_those_that_did_not() -> None:
    ranks = [REQUESTS.rank(request) for request in (made(200), made(None), made(404), made(502))]
    assert ranks == [0, 0, 1, 1]


def made(status: int | None) -> ServedRequest:
    return ServedRequest.model_validate(
        {
            "request_id": "r",
            "requested_at": "2026-11-21T12:00:00Z",
            "method": "GET",
            "path": "/",
            "status_code": status,
        }
    )
