import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.benchmarks import record
from tests.benchmarks.comparison import in_turn
from tests.benchmarks.figures import Figure, Outcome, Repetition, Target, at_least, at_most
from tests.benchmarks.programs.stamps import Span, Stamps
from tests.benchmarks.stage import Stage
from tests.benchmarks.statistics import percentile


def a_figure(target: Target | None = None, name: str = "speed") -> Figure:
    return Figure(name, "one thing against another", "x", target, _never)


def _never(stage: Stage) -> Iterable[Repetition]:
    raise AssertionError(stage)


def an_outcome(*values: float, target: Target | None = None) -> Outcome:
    return Outcome(a_figure(target), [{"value": value} for value in values])


def test_the_value_is_the_median_so_one_disturbed_repetition_does_not_move_it() -> None:
    assert an_outcome(3.0, 90.0, 4.0).value == 4.0


@pytest.mark.parametrize(
    ("value", "target", "met"),
    [(3.0, at_least(3), True), (2.9, at_least(3), False), (10.0, at_most(10), True), (10.1, at_most(10), False)],
)
def test_a_target_is_a_bound_that_may_be_touched(value: float, target: Target, met: bool) -> None:  # noqa: FBT001  a row of the table above
    assert an_outcome(value, target=target).met is met


def test_without_a_target_or_a_value_nothing_is_met_or_missed() -> None:
    assert an_outcome(3.0).met is None
    assert an_outcome(target=at_least(3)).met is None


def test_two_sides_are_measured_in_turn_and_begin_in_turn() -> None:
    order: list[str] = []

    def side(name: str, rate: float) -> float:
        order.append(name)
        return rate

    left, right = ("a", lambda: side("a", 6.0)), ("b", lambda: side("b", 2.0))
    repetitions = list(in_turn(3, left=left, right=right))
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert repetitions == [{"value": 3.0, "a": 6.0, "b": 2.0}] * 3


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], percent) == expected


def test_the_span_of_several_processes_is_from_the_first_to_the_last_of_all(tmp_path: Path) -> None:
    for number, moments in enumerate([[1_000_000_000, 3_000_000_000], [2_000_000_000, 5_000_000_000], []]):
        Stamps(moments).write(tmp_path / f"{number}.span")
    span = Span.over(tmp_path.glob("*.span"))
    assert span == Span(4, 1_000_000_000, 5_000_000_000)
    assert span.rate == 3 / 4


def test_an_entry_tells_value_target_sides_raw_values_and_machine() -> None:
    written = record.entry(an_outcome(2.0, 4.0, 3.0, target=at_least(3)), {"cores": 2}, quick=False)
    assert written["name"] == "speed"
    assert (written["value"], written["unit"], written["target"], written["met"]) == (3.0, "x", "≥ 3", True)
    assert written["compares"] == "one thing against another"
    assert written["repetitions"] == [{"value": 2.0}, {"value": 4.0}, {"value": 3.0}]
    assert written["machine"] == {"cores": 2}
    assert written["at"].endswith("+00:00")


def test_a_quick_run_is_marked_and_held_to_no_target() -> None:
    written = record.entry(an_outcome(9.0, target=at_least(3)), {}, quick=True)
    assert (written["quick"], written["met"]) == (True, None)


def test_a_run_replaces_its_own_figures_and_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    record.write(path, [{"name": "a", "value": 1}, {"name": "b", "value": 1}])
    record.write(path, [{"name": "b", "value": 2}, {"name": "c", "value": 2}])
    found = {entry["name"]: entry["value"] for entry in json.loads(path.read_text(encoding="utf-8"))}
    assert found == {"a": 1, "b": 2, "c": 2}


def test_a_file_that_is_no_record_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    path.write_text("half a fi", encoding="utf-8")
    record.write(path, [{"name": "a"}])
    assert json.loads(path.read_text(encoding="utf-8")) == [{"name": "a"}]


def test_the_machine_is_described() -> None:
    machine = record.machine()
    assert machine["cores"] >= 1
    assert machine["memory_bytes"] > 0
    assert machine["postgres"].startswith("PostgreSQL ")
    assert machine["valkey"].startswith("Valkey ")
