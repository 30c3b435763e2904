import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.probes import jsonrpc
from workers.probes.jsonrpc import REQUEST_ID, Answer, Failure, answer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def said(**members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": REQUEST_ID, **members}).encode()


def test_a_result_is_an_answer() -> None:
    assert answer(said(result={"ok": 1})) == Answer(result={"ok": 1})


def test_an_error_is_an_answer() -> None:
    error = {"code": -32601, "message": "no such method"}
    assert answer(said(error=error)) == Answer(failure=Failure(-32601, "no such method"))


@pytest.mark.parametrize("other", [None, 2, "1", True, 1.5])
def test_an_answer_to_another_request_is_not_ours(other: object) -> None:
    assert answer(said(id=other, result={})) is None


def test_a_refusal_may_leave_the_id_out() -> None:
    error = {"code": -32600, "message": "Session not found"}
    assert answer(said(id=None, error=error)) is None
    assert answer(said(id=None, error=error), any_id=True) is not None


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"result": []},
        {"result": {}, "error": {"code": 1, "message": ""}},
        {"error": {"code": "1", "message": ""}},
        {"error": {"code": 1}},
        {"error": "no"},
        {"method": "ping", "result": {}},
        {"jsonrpc": "1.0", "result": {}},
    ],
)
def test_what_json_rpc_does_not_allow_is_no_answer(members: dict[str, object]) -> None:
    assert answer(said(**members)) is None


@pytest.mark.parametrize("text", [b"", b"<html>", b"[" * 60_000, b"9" * 60_000, b"\xff\xfe", b"[]"])
def test_what_is_not_json_is_no_answer(text: bytes) -> None:
    assert answer(text) is None


@given(value=JSON, any_id=st.booleans())
def test_any_json_can_be_read(value: object, *, any_id: bool) -> None:
    found = answer(json.dumps(value).encode(), any_id=any_id)
    assert found is None or (found.result is None) != (found.failure is None)


def test_requests_want_an_answer_and_notifications_do_not() -> None:
    assert json.loads(jsonrpc.request("ping")) == {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    assert "id" not in json.loads(jsonrpc.notification("notifications/initialized"))
