"""What gateways report travels without secrets, and as PostgreSQL can store it."""

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from producers import ActionAudited, InvalidMessage, MetricSample, RequestsServed, ServedRequest

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)


def _request(**changes: Any) -> ServedRequest:  # noqa: ANN401  wrong types are what most callers pass
    fields: dict[str, Any] = {"request_id": "r", "requested_at": NOON, "method": "GET", "path": "/mcp"}
    return ServedRequest(**fields | changes)


@pytest.mark.parametrize(
    "name", ["Authorization", "cookie", "X-Api-Key", "Mcp-Session-Id", "proxy-authorization", "x-auth", "access_token"]
)
def test_what_is_secret_by_its_name_is_hidden_before_it_is_sent(name: str) -> None:
    request = _request(headers={name: "sesame"}, query_params={name: ["sesame"]})
    assert "sesame" not in request.model_dump_json()


def test_other_headers_are_kept() -> None:
    kept = {"accept": "text/html", "x-author": "ada", "content-type": "application/json"}
    assert _request(headers=kept).headers == kept


def test_parameters_are_cut_off_a_path() -> None:
    assert _request(path="/mcp?access_token=sesame").path == "/mcp"


def test_what_is_too_long_or_broken_is_cut_and_mended() -> None:
    request = _request(path="/" * 900, error="a\x00" + "b" * 5_000, metadata={"bad\ud800": float("nan")})
    assert (len(request.path), len(request.error or "")) == (500, 2_000)
    assert (request.error or "").startswith("a\ufffd")
    assert request.metadata == {"bad\ufffd": "nan"}


@pytest.mark.parametrize(
    "wrong",
    [{"status_code": 42}, {"duration_ms": -1}, {"duration_ms": float("nan")}, {"ip_address": "here"}, {"colour": 1}],
)
def test_a_wrong_request_is_refused_by_the_client(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidMessage):
        _request(**wrong)


def test_an_error_rate_is_per_cent() -> None:
    with pytest.raises(InvalidMessage):
        MetricSample(server_id="s", sampled_at=NOON, error_rate=101)


def test_a_batch_without_anything_is_refused() -> None:
    with pytest.raises(InvalidMessage):
        RequestsServed(requests=[])
    with pytest.raises(InvalidMessage):
        ActionAudited.received({"actions": []}, message_id="019bc0fd-fef0-7793-bc25-03c149acbfef")
