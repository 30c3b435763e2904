import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

CHECKOUT = Path(__file__).parents[2]
MARK = "MINIMCP_DEMO_UNDER_TEST"


class Demo:
    """Runs `python -m demo` in a session of its own, and knows its processes by a mark in their environment."""

    def __init__(self, folder: Path) -> None:
        self._mark = uuid4().hex
        # The servers of the machine are none of the demo's business here: it brings its own.
        taken = ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL")
        inherited = {name: value for name, value in os.environ.items() if name not in taken}
        self._told = folder / "told"
        with self._told.open("wb") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                cwd=CHECKOUT,
                env={**inherited, MARK: self._mark, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def told(self) -> str:
        """What it has printed, in one line."""
        return " ".join(self._told.read_text(encoding="utf-8").split())

    def processes(self) -> list[psutil.Process]:
        """Find its living processes, whoever is their parent now; a zombie is not alive."""
        return [process for process in psutil.process_iter() if self._is_its(process)]

    def _is_its(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    running = Demo(tmp_path)
    yield running
    for process in running.processes():
        process.kill()
    running.process.wait(10)


def wait_for(seconds: float, condition: Callable[[], object], demo: Demo) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, demo.told
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_demo_shows_what_it_promises_and_leaves_no_process(demo: Demo, tmp_path: Path) -> None:
    assert demo.process.wait(230) == 0, demo.told
    told = demo.told
    assert "both are up: sheets in the modern era, clock in the legacy era" in told
    assert "the verdict on clock changed from up to unreachable" in told
    assert "10,000 messages sent, 10,000 lines stored: 0 missing, 0 twice." in told
    assert "trial is expired" in told
    seconds = re.search(r"another worker has run them ([\d.]+) s after the kill|it had nothing in hand", told)
    assert seconds
    # Ten are promised, of a machine that does nothing else; here the other half of the tests runs.
    assert float(seconds[1] or 0) < 20
    sent = re.search(r"two schedulers sent (\d+) ticks of (\d+) fire times; each was applied once", told)
    assert sent
    assert int(sent[1]) > int(sent[2]), "only one scheduler sent ticks"
    for title in ("Instances", "Ports", "Events", "Health checks", "Log lines", "Partitions", "Ticks", "Dead letters"):
        assert title in told
    assert "letmein" not in told
    assert demo.processes() == []
    assert list(tmp_path.glob("minimcp-demo-*")) == []


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_a_demo_that_is_ended_early_takes_everything_with_it(demo: Demo, number: signal.Signals) -> None:
    wait_for(120, lambda: "clock: Ada's client calls" in demo.told, demo)
    assert len(demo.processes()) > 10, "servers, workers, schedulers and two MCP servers should be running"
    demo.process.send_signal(number)
    code = demo.process.wait(60)
    assert code == (-number if number == signal.SIGKILL else 128 + number), demo.told
    # Nobody is left to end the others after SIGKILL: they notice by themselves.
    wait_for(40 if number == signal.SIGKILL else 1, lambda: not demo.processes(), demo)
