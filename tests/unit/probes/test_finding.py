import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from producers import HealthReport, Verdict
from workers.probes.finding import SENTENCE_LIMIT, answered, quoted, readable

REPORT_ERROR = TypeAdapter(HealthReport.model_fields["error"].rebuild_annotation())


@given(st.text())
def test_any_text_becomes_one_line_that_a_report_can_carry(text: str) -> None:
    line = readable(text)
    assert len(line) <= SENTENCE_LIMIT
    assert line.isprintable()
    assert REPORT_ERROR.validate_python(line) == line


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-4f1c7a9e2b8d4f1c7a9e",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.sig",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "878dd23439bb4fbbac1ec3196d99bb5f",
    ],
)
def test_what_looks_like_a_credential_is_not_quoted(secret: str) -> None:
    assert quoted(f"Invalid key {secret}!", 120) == "Invalid key […]!"


@pytest.mark.parametrize(
    "sentence",
    [
        "Bad Request: Missing session ID",
        "Unsupported protocol version: 2026-07-28",
        "StreamableHTTPSessionManager is not running",
    ],
)
def test_a_sentence_of_a_server_is_quoted_whole(sentence: str) -> None:
    assert quoted(sentence, 120) == sentence


def test_the_share_of_the_timeout_tells_up_from_degraded() -> None:
    up = answered(999.0, timeout_seconds=2.0, share=0.5, era="modern")
    slow = answered(1001.0, timeout_seconds=2.0, share=0.5, era="legacy")
    assert (up.verdict, up.error) == (Verdict.UP, None)
    assert slow.verdict is Verdict.DEGRADED
    assert slow.error == "Answered after 1001 ms of the 2 s that it may take."
