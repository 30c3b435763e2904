import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from process import liveness
from process.errors import StateFolderUnusable
from process.liveness import SignOfLife, check


@pytest.fixture
def sign(tmp_path: Path) -> SignOfLife:
    sign = SignOfLife("workers", tmp_path / "state")
    sign.open()
    return sign


def test_a_process_that_says_so_is_alive(sign: SignOfLife, tmp_path: Path) -> None:
    sign.write("8 threads are alive")
    report = check("workers", tmp_path / "state")
    assert report.alive
    assert report.sentence == f"workers: alive; process {os.getpid()}: 8 threads are alive"
    assert json.loads(report.as_json())["alive"] is True


def test_no_process_is_not_alive(tmp_path: Path) -> None:
    report = check("workers", tmp_path / "never made")
    assert not report.alive
    assert report.sentence == "workers: no process runs"


def test_another_service_is_not_ours(sign: SignOfLife, tmp_path: Path) -> None:
    sign.write("well")
    assert not check("scheduler", tmp_path / "state").alive


def test_a_silent_process_is_not_alive(sign: SignOfLife, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sign.write("well")
    later = time.monotonic() + 11
    monkeypatch.setattr(time, "monotonic", lambda: later)
    report = check("workers", tmp_path / "state")
    assert not report.alive
    assert "has been silent for 11 s" in report.sentence


def test_a_process_with_a_dead_thread_is_not_alive(sign: SignOfLife, tmp_path: Path) -> None:
    sign.write("7 threads are alive", dead_threads=["janitor"])
    report = check("workers", tmp_path / "state")
    assert not report.alive
    assert "has dead threads: janitor" in report.sentence


def test_a_process_that_is_well_does_not_hide_one_that_is_not(sign: SignOfLife, tmp_path: Path) -> None:
    sign.write("8 threads are alive")
    master = {**json.loads(next((tmp_path / "state").glob("*.json")).read_text(encoding="utf-8")), "pid": os.getppid()}
    master |= {"process_start": liveness.process_start(os.getppid()), "written": time.monotonic() - 60}
    (tmp_path / "state" / f"workers-{os.getppid()}.json").write_text(json.dumps(master), encoding="utf-8")
    report = check("workers", tmp_path / "state")
    assert len(report.processes) == 2
    assert not report.alive
    assert report.sentence.startswith("workers: not alive; ")


def test_a_process_that_left_is_not_found(sign: SignOfLife, tmp_path: Path) -> None:
    sign.write("well")
    sign.remove()
    assert not check("workers", tmp_path / "state").processes


def test_the_file_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from process.liveness import SignOfLife
sign = SignOfLife("workers", Path(sys.argv[1]))
sign.open(); sign.write("well"); print(flush=True); sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert check("workers", tmp_path).alive
        process.kill()
        # Dead and not yet waited for: a zombie is not alive.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not check("workers", tmp_path).processes
    assert not list(tmp_path.iterdir())


def test_a_pid_that_another_process_has_now_is_not_the_old_process(sign: SignOfLife, tmp_path: Path) -> None:
    sign.write("well")
    (file,) = (tmp_path / "state").glob("*.json")
    old = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**old, "process_start": "1"}), encoding="utf-8")
    assert not check("workers", tmp_path / "state").processes


def test_a_file_that_is_not_ours_is_passed_over(sign: SignOfLife, tmp_path: Path) -> None:
    sign.write("well")
    (tmp_path / "state" / "workers-1.json").write_text("[]", encoding="utf-8")
    assert len(check("workers", tmp_path / "state").processes) == 1


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StateFolderUnusable, match="set TMPDIR"):
        SignOfLife("workers", tmp_path / "file" / "state").open()


def test_a_folder_of_somebody_else_is_refused(sign: SignOfLife, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(StateFolderUnusable, match="belongs to user"):
        sign.open()


def test_without_proc_a_pid_is_looked_up_by_signal() -> None:
    assert liveness._without_proc(os.getpid()) == "unknown"
    assert liveness._without_proc(2**22 + 1) is None
