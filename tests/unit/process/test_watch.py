import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from process import watch
from process.liveness import check
from process.watch import THREAD_DIED, ThreadWatch


@pytest.fixture
def living() -> Iterator[threading.Thread]:
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="janitor")
    thread.start()
    yield thread
    end.set()
    thread.join()


def dead() -> threading.Thread:
    thread = threading.Thread(target=lambda: None, name="heartbeat")
    thread.start()
    thread.join()
    return thread


def test_living_threads_are_told_and_nothing_ends(tmp_path: Path, living: threading.Thread) -> None:
    left: list[int] = []
    looking = ThreadWatch("workers", lambda: [living], folder=tmp_path, leave=left.append)
    looking.start()
    assert check("workers", tmp_path).sentence.endswith("alive threads: 1")
    looking.stop()
    assert not check("workers", tmp_path).processes
    assert left == []


def test_a_dead_thread_ends_the_process_with_a_sentence(
    tmp_path: Path, living: threading.Thread, caplog: pytest.LogCaptureFixture
) -> None:
    left: list[int] = []
    looking = ThreadWatch("workers", lambda: [living, dead()], folder=tmp_path, leave=left.append)
    looking.step()
    assert left == [THREAD_DIED]
    assert not check("workers", tmp_path).alive
    assert "the thread heartbeat is dead, so this process ends" in caplog.text


def test_a_watch_that_cannot_look_any_more_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    looks: Iterator[list[threading.Thread]] = iter([[]])
    monkeypatch.setattr(watch, "PERIOD_SECONDS", 0)
    looking = ThreadWatch("workers", lambda: next(looks), folder=tmp_path, leave=left.append)
    looking.start()
    looking._thread.join(5)
    assert left == [THREAD_DIED]


def test_a_full_disk_does_not_end_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    left: list[int] = []
    with caplog.at_level(logging.WARNING):
        ThreadWatch("workers", list, folder=tmp_path, leave=left.append).step()
    assert left == []
    assert "No space left" in caplog.text


def test_a_real_process_ends_with_70_when_a_thread_of_it_dies(tmp_path: Path) -> None:
    program = """
import sys, threading
from pathlib import Path
from process import telemetry
from process.watch import ThreadWatch
telemetry.configure("workers", json=True)
fragile = threading.Thread(target=sys.stdin.read, name="fragile", daemon=True)
fragile.start()
ThreadWatch("workers", lambda: [fragile], folder=Path(sys.argv[1])).start()
print(flush=True)
threading.Event().wait()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        _, said = process.communicate(timeout=10)
    assert process.returncode == THREAD_DIED
    assert b"the thread fragile is dead" in said
