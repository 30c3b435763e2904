"""What a process prints becomes lines: with level and time, tracebacks whole, whatever the bytes."""

import io
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import LINES, Buffer, Limits, LogLine, LogsEmitted
from producers.messages.logs import MAX_LINE
from producers.streams import Bounds, Reading, entries, ship
from producers.streams.joining import Joiner
from producers.streams.splitting import MOST_BYTES, Splitter
from producers.testing import RecordingProducer
from tests.acceptance.processes import wait_until

from . import printed

NOON: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
INSTANCE: Final = uuid4()


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def shipped(data: bytes, bounds: Bounds | None = None) -> list[LogLine]:
    producer = RecordingProducer()
    with Buffer(producer, LINES, Limits(most_bytes=2**30)) as buffer:
        ship(io.BytesIO(data), buffer, INSTANCE, Reading("stderr", bounds=bounds))
    return [line for message in producer.of(LogsEmitted) for line in message.lines]


@pytest.mark.parametrize("name", printed.LINES)
def test_a_line_says_how_serious_it_is_and_when_it_was_printed(name: str) -> None:
    line, level, second, text = printed.LINES[name]
    found = entries.read(line, NOON + timedelta(minutes=1))
    assert found.level == level
    assert found.timestamp == (None if second is None else NOON + timedelta(seconds=second))
    assert found.text == (text or line)


def test_what_else_a_structured_line_says_is_its_metadata() -> None:
    (line,) = shipped(b'{"level":50,"time":1795262407250,"pid":9,"msg":"gone","err":{"stack":"Error: x"}}\n')
    assert line.metadata == {"stream": "stderr", "pid": 9, "err": {"stack": "Error: x"}}
    (line,) = shipped(b'level=warn msg="slow query" ms=812 sql="SELECT 1"\n')
    assert line.metadata == {"stream": "stderr", "ms": "812", "sql": "SELECT 1"}


@pytest.mark.parametrize(
    "structured",
    [
        'time=2026-11-21T12:00:00Z level=warn msg="lf three" k=v',
        '{"time":"2026-11-21T12:00:00Z","level":"warn","msg":"lf three","k":"v"}',
        '{\n  "time": "2026-11-21T12:00:00Z",\n  "level": "warn",\n  "msg": "lf three",\n  "k": "v"\n}',
    ],
    ids=["logfmt", "JSON", "pretty JSON"],
)
def test_what_is_indented_below_a_structured_line_goes_on_with_its_message(structured: str) -> None:
    lines = shipped(f"{structured}\n\tstack\n\tmore\n{structured}\n".encode())
    assert [line.message for line in lines] == ["lf three\n\tstack\n\tmore", "lf three"]
    assert {(line.level, line.timestamp) for line in lines} == {("warn", NOON)}
    assert [line.metadata for line in lines] == [{"stream": "stderr", "k": "v"}] * 2


def test_structured_lines_without_a_message_keep_the_whole_text() -> None:
    lines = shipped(b'level=warn k=v\n\tstack\n{"level":"error","k":1}\n\tstack\n{"level":"info"} x\n')
    assert [(line.level, line.message) for line in lines] == [
        ("warn", "level=warn k=v\n\tstack"),
        ("error", '{"level":"error","k":1}\n\tstack'),
        ("info", '{"level":"info"} x'),
    ]


@pytest.mark.parametrize(
    ("now", "line", "then"),
    [
        (NOON, "23:59:59 INFO x", datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)),
        (NOON, "12:00:01 INFO x", datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), "Dec 31 23:59:59 host x", datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (NOON, "Feb  3 01:02:03 host x", datetime(2026, 2, 3, 1, 2, 3, tzinfo=UTC)),
    ],
)
def test_a_day_or_a_year_that_is_left_out_is_the_last(now: datetime, line: str, then: datetime) -> None:
    assert entries.read(line, now).timestamp == then


def test_a_time_without_a_zone_is_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    assert entries.read("2026-11-21 21:00:00 INFO x", NOON).timestamp == NOON


@pytest.mark.parametrize("name", printed.EXCEPTIONS)
def test_an_exception_is_one_error_and_its_neighbours_are_lines_of_their_own(name: str) -> None:
    text = printed.EXCEPTIONS[name]
    lines = shipped(f"listening\n\n{text}\n2026-11-21 12:00:08 INFO next\n".encode())
    if name == "Go":  # nothing tells where its panic ends, but that the process does
        lines = [*shipped(f"listening\n\n{text}\n".encode()), *shipped(b"next")]
    assert [(line.level, line.message) for line in lines[:2]] == [("info", "listening"), ("error", text)]
    assert len(lines) == 3


def test_exceptions_that_follow_each_other_are_several() -> None:
    lines = shipped(f"{printed.PYTHON}\n{printed.PYTHON}\n{printed.NODE}\n{printed.JAVA}\n".encode())
    assert [line.message for line in lines] == [printed.PYTHON, printed.PYTHON, printed.NODE, printed.JAVA]


def test_two_lines_of_java_util_logging_are_one_and_a_line_that_only_looks_like_its_first_is_alone() -> None:
    head = "Nov 21, 2026 12:00:07 PM com.example.Tool run"
    lines = shipped(f"{head}\nWARNING: slow\nready\n{head}\nINFO: \n{head}\nlistening\n".encode())
    assert [(line.level, line.message) for line in lines] == [
        ("warn", f"{head}\nWARNING: slow"),
        ("info", "ready"),
        ("info", f"{head}\nINFO:"),
        ("info", head),
        ("info", "listening"),
    ]


def test_an_exception_below_a_line_of_peace_is_not_part_of_it() -> None:
    lines = shipped(f"INFO:root:all is well\n{printed.PYTHON}\n".encode())
    assert [line.level for line in lines] == ["info", "error"]


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (b"", []),
        (b"\n\n  \n", []),
        (b"no line break", ["no line break"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"caf\xc3\xa9 \xff\xfe\x00\n", ["café \ufffd\ufffd\ufffd"]),
        (b"half a character \xc3", ["half a character \ufffd"]),
        (b"one\n  more of it\n\n  alone\n", ["one\n  more of it", "  alone"]),
    ],
    ids=str,
)
def test_whatever_the_bytes_are_they_become_text(data: bytes, messages: list[str]) -> None:
    assert [line.message for line in shipped(data)] == messages


def test_a_line_of_ten_megabytes_is_cut_with_a_mark_in_bounded_memory() -> None:
    splitter = Splitter()
    for _ in range(160):
        assert not list(splitter.add("é".encode() * 32_768))
        assert len(splitter._begun) <= MOST_BYTES
    cut, after = shipped(b"x" * 10_000_000 + b"\nafter\n")
    assert len(cut.message) == MAX_LINE
    assert cut.message.endswith("… [truncated]")
    assert after.message == "after"
    (wide,) = shipped("🦊".encode() * 2_500_000)
    assert wide.message.endswith("🦊… [truncated]")


def test_an_entry_without_end_is_cut_into_entries() -> None:
    bounds = Bounds(lines=10)
    lines = shipped(b"begin\n" + b"  more\n" * 25, bounds)
    assert [line.message.count("\n") for line in lines] == [9, 9, 5]
    lines = shipped(b"begin\n" + (b" " + b"x" * 1_000 + b"\n") * 100, Bounds(characters=10_000))
    assert max(len(line.message) for line in lines) <= 10_000
    assert sum(line.message.count("x") for line in lines) == 100_000


def test_an_entry_waits_for_more_of_it_only_for_a_while() -> None:
    reading, writing = os.pipe()
    producer = RecordingProducer()
    with os.fdopen(reading, "rb") as stream, Buffer(producer, LINES, Limits(batch_count=1)) as buffer:
        follower = threading.Thread(target=ship, args=(stream, buffer, INSTANCE))
        follower.start()
        os.write(writing, b"quiet\n")
        wait_until(lambda: buffer.counters().sent == 1, 10)
        os.write(writing, b"  late\n")
        os.close(writing)
        follower.join()
    assert [line.message for message in producer.of(LogsEmitted) for line in message.lines] == ["quiet", "  late"]


PLAIN: Final = st.binary(max_size=60).filter(lambda data: not set(data) & set(b"{=\x1b"))
EXCEPTION: Final = st.sampled_from(list(printed.EXCEPTIONS.values())).map(str.encode)


@given(st.lists(PLAIN | EXCEPTION))
def test_nothing_that_is_printed_gets_lost(chunks: list[bytes]) -> None:
    data = b"\n".join(chunks)
    assert bare("".join(line.message for line in shipped(data))) == bare(data.decode("utf-8", "replace"))


def bare(text: str) -> str:
    return "".join(text.replace("\x00", "\ufffd").split())


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_it_does_not_matter_how_the_bytes_are_cut(chunks: list[bytes]) -> None:
    whole, parts = Splitter(), Splitter()
    at_once = [*whole.add(b"".join(chunks)), whole.finish()]
    assert [*(line for chunk in chunks for line in parts.add(chunk)), parts.finish()] == at_once


@given(st.text() | st.from_regex(r"[\[{]?[0-9]{4}[-/][0-9]{2}.{0,20}|[a-z]+=.*|\{\".*\}", fullmatch=True))
def test_every_text_can_be_read(text: str) -> None:
    found = entries.read(text, NOON)
    assert found.level in {None, "debug", "info", "warn", "error"}
    joiner = Joiner()
    assert len([*joiner.add(text), *joiner.finish()]) == bool(text.strip())
