import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import lifecycle, pgbench
from tests.benchmarks.__main__ import main
from tests.benchmarks.figures import FIGURES
from tests.benchmarks.stage import ROOT, Stage


def test_a_figure_is_measured_printed_and_recorded(tmp_path: Path) -> None:
    """The values mean nothing here: the machine runs other tests, and a quick run is short."""
    output = tmp_path / "bench.json"
    command = ["-m", "tests.benchmarks", "--quick", "--only", "enqueue_bulk_vs_loop", "--output", str(output)]
    ended = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "enqueue_bulk_vs_loop" in ended.stdout
    (entry,) = json.loads(output.read_text(encoding="utf-8"))
    assert entry["value"] > 0
    assert entry["problem"] is None


def test_the_figures_are_listed_with_their_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in FIGURES)


@pytest.mark.parametrize("kind", [lifecycle.STARTED, lifecycle.CREATED], ids=["InstanceStarted", "CreateInstance"])
def test_pgbench_runs_the_statements_of_the_repositories_to_their_effect(kind: lifecycle.Kind) -> None:
    with Stage(quick=True) as stage:
        batch = lifecycle.Batch.prepare(stage, kind, 40)
        assert pgbench.run(stage, batch, 4) > 0
