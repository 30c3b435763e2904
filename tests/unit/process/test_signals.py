import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from process.signals import stop_event

PROGRAM = """
import sys
from process.signals import stop_event
stop = stop_event()
print("ready", flush=True)
stop.wait()
print("stopping", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def handlers_as_they_were() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        assert said(started) == "ready"
        yield started
        started.kill()


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_sets_the_event(number: signal.Signals) -> None:
    stop = stop_event()
    os.kill(os.getpid(), number)
    assert stop.wait(5)


def test_a_signal_that_interrupts_a_wait_does_not_lock_up() -> None:
    """The main thread may hold the event's lock at the moment the signal comes."""
    stop = stop_event()
    with vars(stop)["_cond"]:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
    assert stop.wait(5)


def test_the_same_signal_again_ends_at_once(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGTERM)
    assert said(process) == "stopping"
    time.sleep(0.6)
    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 128 + signal.SIGTERM


def test_an_echo_or_another_signal_does_not_cut_the_end_short(process: "subprocess.Popen[str]") -> None:
    """Ctrl-C reaches a whole group of processes; then the master sends SIGTERM to its children."""
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    assert said(process) == "stopping"
    process.send_signal(signal.SIGTERM)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(5) == 0


def test_the_thread_that_passes_signals_on_holds_no_process_up() -> None:
    stop_event()
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "signals")
