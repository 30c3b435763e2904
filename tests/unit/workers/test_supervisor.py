"""The master against processes that end, refuse or stay as the test says."""

import subprocess
import threading
from collections.abc import Sequence

import pytest

from process import liveness
from workers import supervisor
from workers.supervisor import OUTAGE, REFUSED, Supervisor


class Stage:
    """Plays the processes of a pool, each ending with the next of the codes; without one it stays."""

    def __init__(self, codes: Sequence[int], stop: threading.Event, *, last: int) -> None:
        self.started = 0
        self.patience: list[float] = []
        self.killed = 0
        self._codes = list(codes)
        self._stop = stop
        self._last = last

    def __call__(self, *_arguments: object, **_options: object) -> "Actor":
        self.started += 1
        if self.started == self._last:
            self._stop.set()
        return Actor(self, self.started, self._codes.pop(0) if self._codes else None)


class Actor:
    """One process of the play."""

    def __init__(self, stage: Stage, pid: int, code: int | None) -> None:
        self.pid = pid
        self._stage = stage
        self._code = code

    def poll(self) -> int | None:
        return self._code

    def terminate(self) -> None:
        """Ask in vain."""

    def kill(self) -> None:
        self._stage.killed += 1

    def wait(self, timeout: float | None = None) -> int:
        if timeout is not None:
            self._stage.patience.append(timeout)
            raise subprocess.TimeoutExpired("worker", timeout)
        return -9


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(liveness, "check", lambda _: liveness.Report("workers", []))


def play(monkeypatch: pytest.MonkeyPatch, codes: Sequence[int], *, last: int, processes: int = 1) -> tuple[Stage, int]:
    stop = threading.Event()
    stage = Stage(codes, stop, last=last)
    monkeypatch.setattr(subprocess, "Popen", stage)
    return stage, Supervisor([], processes, drain_seconds=3).run(stop)


def pauses(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.rpartition(" in ")[2] for line in caplog.messages if "takes its place" in line]


def test_an_outage_does_not_end_a_pool_and_the_first_pause_is_half_a_second(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stage, code = play(monkeypatch, [OUTAGE, OUTAGE], last=3)
    assert (stage.started, code) == (3, 0)
    assert pauses(caplog) == ["0.5 s", "1.0 s"]


def test_a_refusal_ends_a_pool_that_was_never_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, code = play(monkeypatch, [OUTAGE, REFUSED], last=9)
    assert (stage.started, code) == (2, 1)


def test_a_process_that_ignores_its_end_is_killed_fifteen_seconds_after_the_drain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, _ = play(monkeypatch, [], last=1)
    assert stage.killed == 1
    assert stage.patience == [pytest.approx(18, abs=1)]
