"""A buffer sends everything it accepted at least once, or tells what is missing."""

import logging
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import pytest

from producers import BrokerUnavailable, LogLine, LogsEmitted, Message
from producers import message_id as ids
from producers.buffer import Buffer, Limits
from producers.logging_handler import BufferedHandler
from producers.messages.logs import Level
from producers.shapes import LINES
from producers.testing import RecordingProducer

INSTANCE: Final = ids.new()


class Flaky(RecordingProducer):
    """Fails some times before it records."""

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        super().__init__()
        self.failures = failures
        self.error = error or BrokerUnavailable("away")
        self.tried: list[UUID] = []

    def send_many(self, messages: Iterable[Message], *, durable: bool = False) -> list[UUID]:
        """Fail, or record."""
        batch = list(messages)
        self.tried += [message.message_id for message in batch]
        if self.failures:
            self.failures -= 1
            raise self.error
        return super().send_many(batch, durable=durable)


class Gated(RecordingProducer):
    """Sends nothing before its gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def send_many(self, messages: Iterable[Message], *, durable: bool = False) -> list[UUID]:
        """Wait for the gate, then record."""
        assert self.gate.wait(20)
        return super().send_many(messages, durable=durable)


def line(text: str, level: Level = "info") -> LogLine:
    return LogLine(instance_id=INSTANCE, timestamp=datetime.now(UTC), level=level, message=text)


def lines(producer: RecordingProducer) -> list[LogLine]:
    return [one for message in producer.of(LogsEmitted) for one in message.lines]


def test_lines_are_sent_in_order_in_batches_of_the_count() -> None:
    producer = RecordingProducer()
    with Buffer(producer, LINES, Limits(batch_count=4)) as buffer:
        for number in range(10):
            buffer.put(line(str(number)))
    assert [one.message for one in lines(producer)] == [str(number) for number in range(10)]
    assert all(len(message.lines) <= 4 for message in producer.of(LogsEmitted))
    assert buffer.counters().sent == 10


def test_a_batch_that_could_not_be_sent_is_sent_again_under_its_id() -> None:
    producer = Flaky(failures=3)
    with Buffer(producer, LINES, Limits(first_pause=0.001)) as buffer:
        buffer.put(line("once"))
    assert len(producer.tried) == 4
    assert len(set(producer.tried)) == 1
    assert buffer.counters().retries == 3
    assert [one.message for one in lines(producer)] == ["once"]
    assert buffer.last_error() is producer.error


def test_a_line_that_is_refused_leaves_its_error() -> None:
    refusal = ValueError("never")
    with Buffer(Flaky(failures=1, error=refusal), LINES) as buffer:
        assert buffer.last_error() is None
        buffer.put(line("bad"))
    assert (buffer.counters().dropped, buffer.last_error()) == (1, refusal)


def test_a_full_buffer_drops_the_oldest_of_the_lowest_level_and_tells_the_gap() -> None:
    producer = Flaky(failures=1)
    buffer = Buffer(producer, LINES, Limits(batch_seconds=60, most_bytes=2_000, batch_bytes=10_000))
    assert all(buffer.put(line("e" * 50, "error")) for _ in range(5))
    for _ in range(50):
        buffer.put(line("d" * 50, "debug"))
    assert buffer.close()
    counters, sent = buffer.counters(), lines(producer)
    gaps = [one for one in sent if one.source == "system"]
    assert sum(one.level == "error" for one in sent) == 5
    assert counters.dropped > 0
    assert sum(int(str(gap.metadata["dropped"])) for gap in gaps) == counters.dropped
    assert counters.accepted == counters.sent + counters.dropped


def test_an_instance_that_prints_faster_than_it_may_loses_lines_which_is_told_and_others_lose_none() -> None:
    producer = RecordingProducer()
    with Buffer(producer, LINES, Limits(per_second=1)) as buffer:
        taken = [buffer.put(line(f"{number}")) for number in range(15)]
        assert buffer.put(LogLine(instance_id=UUID(int=9), timestamp=datetime.now(UTC), message="another"))
    assert taken == [True] * 10 + [False] * 5
    (gap,) = [each for each in lines(producer) if each.source == "system"]
    assert gap.message == "5 lines are missing here: more than 1 came a second"
    assert gap.metadata["dropped"] == 5
    assert (buffer.counters().sent, buffer.counters().dropped) == (12, 5)


def test_a_batch_that_is_too_large_is_halved() -> None:
    producer = RecordingProducer()
    with Buffer(producer, LINES, Limits(batch_bytes=8_000_000, batch_seconds=60)) as buffer:
        for _ in range(40):
            buffer.put(line("x" * 60_000))
    assert len(lines(producer)) == 40
    assert len(producer.of(LogsEmitted)) > 1


def test_a_full_buffer_that_blocks_waits_for_room_and_then_gives_up() -> None:
    blocking = Limits(batch_seconds=60, batch_bytes=10_000, most_bytes=600, when_full="block", block_seconds=0.05)
    producer = Gated()
    buffer = Buffer(producer, LINES, blocking)
    answers = [buffer.put(line("x" * 50)) for _ in range(10)]
    assert answers[0] is True
    assert answers[-1] is False
    producer.gate.set()
    assert buffer.close()
    assert buffer.counters().dropped == answers.count(False)


def test_an_error_nobody_foresaw_costs_a_batch_and_not_the_thread_that_sends() -> None:
    producer = Flaky(failures=1, error=KeyError("unforeseen"))
    with Buffer(producer, LINES, Limits(batch_count=1)) as buffer:
        buffer.put(line("lost"))
        buffer.put(line("sent"))
    assert [one.message for one in lines(producer) if one.source == "process"] == ["sent"]
    assert buffer.counters().dropped == 1


def test_a_line_that_gives_way_to_more_important_ones_is_told_to_be_dropped() -> None:
    producer = Gated()
    buffer = Buffer(producer, LINES, Limits(batch_seconds=60, batch_bytes=10_000, most_bytes=600))
    while buffer.put(line("e" * 50, "error")) and not buffer.counters().dropped:
        pass
    assert not buffer.put(line("d" * 50, "debug"))
    producer.gate.set()
    assert buffer.close()


def test_closing_gives_up_in_time_and_says_so() -> None:
    buffer = Buffer(Flaky(failures=10**9), LINES, Limits(first_pause=0.001, close_seconds=0.05))
    buffer.put(line("stays"))
    assert not buffer.close()
    assert buffer.counters().pending == 1
    assert not buffer.put(line("late"))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_begins_with_nothing() -> None:
    buffer = Buffer(RecordingProducer(), LINES, Limits(batch_seconds=60))
    buffer.put(line("the parent's"))
    child = os.fork()
    if not child:
        os._exit(buffer.counters().pending)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert buffer.close()


def test_a_logged_exception_becomes_a_line_with_its_traceback_and_its_extras() -> None:
    producer = RecordingProducer()
    with Buffer(producer, LINES) as buffer:
        logger = logging.getLogger("minimcp.test.buffer")
        logger.addHandler(BufferedHandler(buffer, instance_id=INSTANCE))
        try:
            _ = 1 / 0
        except ZeroDivisionError:
            logger.exception("failed", extra={"tool": "get_file", "where": object})
    (one,) = lines(producer)
    assert (one.level, one.metadata["tool"]) == ("error", "get_file")
    assert "ZeroDivisionError" in one.message
