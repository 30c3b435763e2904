"""Schedulers that die, stand still and go by a wrong clock: each tick has one effect, and none is missing."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.acceptance.processes import RunningProcess, started, wait_until
from tests.acceptance.test_scheduler_processes import COUNTING, lines_of
from tests.databases import TestDatabase

EACH_SECOND = 'expire-instances = "* * * * * *"'
STILL_SECONDS = float(os.environ.get("STILL_SECONDS", "8"))
AHEAD_SECONDS = 61
EFFECTS = "SELECT count(*) FROM maintenance.runs WHERE task = 'effect'"
TICKS = "SELECT count(*) FROM inbox WHERE wire_name = 'instances.expiry_due.v1'"
SHIFTED = "tests.acceptance.shifted_scheduler"


@pytest.fixture
def environment(test_database: TestDatabase, redis_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": test_database.worker_url,
        "REDIS_URL": redis_url,
        "TMPDIR": str(tmp_path),
        "TIMETABLE": EACH_SECOND,
        "SHIFT_FILE": str(tmp_path / "shift"),
    }


def ticks_of(*processes: RunningProcess) -> set[datetime]:
    return {datetime.fromisoformat(line) for process in processes for line in lines_of(process.log)}


@pytest.mark.slow
def test_one_killed_one_standing_still_and_one_ahead_make_no_tick_count_twice_and_none_missing(
    test_database: TestDatabase, environment: dict[str, str], tmp_path: Path
) -> None:
    shift = tmp_path / "shift"
    shift.write_text("0")
    with (
        started("-c", COUNTING, **environment) as worker,
        started("-m", "scheduler", **environment) as killed,
        started("-m", "scheduler", **environment) as still,
        started("-m", "scheduler", **environment) as well,
        started("-m", SHIFTED, **environment) as ahead,
    ):
        schedulers = (killed, still, well, ahead)
        wait_until(lambda: all(len(ticks_of(each)) >= 2 for each in schedulers), 30, lambda: ahead.log)
        shift.write_text(str(AHEAD_SECONDS))
        far = datetime.now(UTC) + timedelta(seconds=AHEAD_SECONDS - 1)
        wait_until(lambda: max(ticks_of(ahead)) > far, 10, lambda: ahead.log)
        killed.end(signal.SIGKILL)
        os.kill(still.pid, signal.SIGSTOP)
        before = ticks_of(still)
        time.sleep(STILL_SECONDS)
        os.kill(still.pid, signal.SIGCONT)
        wait_until(lambda: len(ticks_of(still)) >= len(before) + 2, 10, lambda: still.log)
        shift.write_text("0")
        wait_until(lambda: "jumped by -61 s" in ahead.log, 10, lambda: ahead.log)
        again = len(lines_of(ahead.log))
        wait_until(lambda: len(lines_of(ahead.log)) >= again + 3, 10, lambda: ahead.log)
        for each in (still, well, ahead):
            assert each.end() == 0
        sent = ticks_of(*schedulers)
        wait_until(lambda: test_database.value(TICKS) == len(sent), 30, lambda: worker.log)
        catch_up = ticks_of(still) - before
        seconds = ticks_of(well)
    assert test_database.value(EFFECTS) == len(sent)
    assert len(catch_up) < STILL_SECONDS, "of the ticks that it slept through, the last one is enough"
    assert seconds == {min(seconds) + timedelta(seconds=each) for each in range(len(seconds))}, "none is missing"
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0
