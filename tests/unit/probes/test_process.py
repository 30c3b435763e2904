"""A process is told from its namesakes and from its corpse."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from producers import Verdict
from workers.probes.process import look_at
from workers.probes.target import ProcessTarget


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def started(process_id: int) -> datetime:
    return datetime.fromtimestamp(psutil.Process(process_id).create_time(), UTC)


def test_a_process_that_runs_is_up(child: "subprocess.Popen[bytes]") -> None:
    assert look_at(ProcessTarget(child.pid, started(child.pid))).verdict is Verdict.UP


def test_a_zombie_is_dead_although_its_id_still_takes_signals(child: "subprocess.Popen[bytes]") -> None:
    target = ProcessTarget(child.pid, started(child.pid))
    os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child.pid, 0)
    found = look_at(target)
    assert found.verdict is Verdict.UNREACHABLE
    assert "zombie" in str(found.error)


def test_a_process_that_is_gone_is_dead(child: "subprocess.Popen[bytes]") -> None:
    target = ProcessTarget(child.pid, started(child.pid))
    child.kill()
    child.wait()
    assert look_at(target).error == f"Its process {child.pid} is gone."


def test_another_process_of_the_same_id_is_not_taken_for_it(child: "subprocess.Popen[bytes]") -> None:
    earlier = started(child.pid) - timedelta(minutes=1)
    assert "another one has that id now" in str(look_at(ProcessTarget(child.pid, earlier)).error)


def test_a_machine_without_processes_to_look_at_has_none(tmp_path: Path) -> None:
    assert look_at(ProcessTarget(1, datetime.now(UTC)), proc=tmp_path).verdict is Verdict.UNREACHABLE
