import threading
import time

from workers.ledger import MOST_BYTES, Ledger, Room

WINDOW = 8


def holding(count: int, size: int = 1) -> Ledger:
    ledger = Ledger()
    ledger.take({str(number).encode(): size for number in range(count)})
    return ledger


def test_a_window_that_is_nearly_full_is_waited_for_and_not_looked_at_again_and_again() -> None:
    """A consumer that looks again at once takes the interpreter from the threads that make room."""
    ledger = holding(WINDOW)
    ledger.settle([b"0"])
    started = time.monotonic()
    assert ledger.wait_for_room(WINDOW, 0.2) is None
    assert time.monotonic() - started >= 0.19


def test_the_wait_ends_when_a_quarter_of_the_window_is_free() -> None:
    ledger = holding(WINDOW)
    first = threading.Timer(0.05, ledger.settle, [[b"0"]])
    second = threading.Timer(0.1, ledger.settle, [[b"1"]])
    first.start()
    second.start()
    started = time.monotonic()
    assert ledger.wait_for_room(WINDOW, 20) == Room(WINDOW // 4, MOST_BYTES - 6)
    assert time.monotonic() - started < 10


def test_a_message_that_is_given_back_makes_room() -> None:
    ledger = holding(1)
    threading.Timer(0.05, ledger.release, [[b"0"]]).start()
    assert ledger.wait_for_room(1, 20) == Room(1, MOST_BYTES)


def test_a_window_with_room_is_not_waited_for() -> None:
    started = time.monotonic()
    assert holding(3).wait_for_room(WINDOW, 20) == Room(WINDOW - 3, MOST_BYTES - 3)
    assert time.monotonic() - started < 10


def test_large_messages_fill_a_window_early() -> None:
    ledger = holding(2, size=MOST_BYTES // 2)
    assert ledger.wait_for_room(WINDOW, 0) is None
    ledger.settle([b"1"])
    assert ledger.wait_for_room(WINDOW, 0) == Room(WINDOW - 1, MOST_BYTES // 2)


def test_a_message_that_was_given_back_and_came_again_is_counted_once() -> None:
    ledger = holding(2, size=5)
    ledger.take({b"0": 7})
    ledger.release([b"1", b"nobody's"])
    assert ledger.wait_for_room(WINDOW, 0) == Room(WINDOW - 1, MOST_BYTES - 7)
