"""Servers die with the process that started them."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

OWNER = """
import sys, time
from pathlib import Path
from embedded import PostgresServer, ValkeyServer
home = Path(sys.argv[1])
postgres, valkey = PostgresServer(home / "postgres"), ValkeyServer(home / "valkey")
postgres.start(), valkey.start()
print(postgres.pid, valkey.pid, flush=True)
if sys.argv[2] == "wait":
    time.sleep(60)
"""


def started(home: Path, *, then: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", OWNER, str(home), then], stdout=subprocess.PIPE, text=True)


def alive(pid: int) -> bool:
    """Whether the process runs; under a first process that never reaps, a zombie stays."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("then", ["wait", "return"])
def test_no_process_is_left_when_the_owner_is_killed_or_just_returns(tmp_path: Path, then: str) -> None:
    with started(tmp_path, then=then) as owner:
        assert owner.stdout is not None
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 2
        family = [child.pid for pid in pids for child in psutil.Process(pid).children()]
        if then == "wait":
            owner.kill()
    deadline = time.monotonic() + 10
    while left := [pid for pid in pids + family if alive(pid)]:
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.05)
