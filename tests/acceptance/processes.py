"""The product's processes, started as an operator starts them."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

CHECKOUT: Final = Path(__file__).parents[2]


class RunningProcess:
    """A process of ours and what it logs."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=CHECKOUT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def pid(self) -> int:
        """Give the process id."""
        return self.process.pid

    @property
    def log(self) -> str:
        """Give what it has written so far."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def children(self) -> list[psutil.Process]:
        """Give its child processes."""
        return psutil.Process(self.pid).children()

    def wait_for_line(self, text: str, seconds: float = 30) -> None:
        """Return when it has logged a text."""
        wait_until(lambda: text in self.log or self.process.poll() is not None, seconds, lambda: self.log)
        assert text in self.log, self.log

    def close(self) -> None:
        """Forget what it has written."""
        self._log.close()

    def end(self, number: int = signal.SIGTERM, seconds: float = 60) -> int:
        """Send a signal and give back the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)


@contextmanager
def started(*arguments: str, **environment: str) -> Iterator[RunningProcess]:
    """Run ``python ARGUMENTS`` and in the end kill it and its children."""
    running = RunningProcess(list(arguments), environment)
    family = [psutil.Process(running.pid)]
    try:
        yield running
        family = _family(running, family)
    finally:
        for process in _family(running, family):
            if process.is_running():
                process.kill()
        running.process.wait(10)
        running.close()


def finished(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run ``python ARGUMENTS`` to its end."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def wait_until(condition: Callable[[], bool], seconds: float, explain: Callable[[], str] = lambda: "") -> float:
    """Return how long it took until a condition held, or fail."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"not within {seconds} s: {explain()}"
        time.sleep(0.05)
    return time.monotonic() - begin


def _family(running: RunningProcess, known: list[psutil.Process]) -> list[psutil.Process]:
    try:
        return [*psutil.Process(running.pid).children(recursive=True), *known]
    except psutil.NoSuchProcess:
        return known
