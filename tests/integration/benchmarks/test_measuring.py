import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks import audit, indexes, lifecycle, months, pgbench
from tests.benchmarks.__main__ import main
from tests.benchmarks.applying import applying, seconds_of
from tests.benchmarks.figures import FIGURES
from tests.benchmarks.ingest import made_instances
from tests.benchmarks.stage import LONG, ROOT, Stage
from tests.integration.db.test_schema_names import NAMED

_DATABASES = "SELECT datname FROM pg_database"


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(quick=True) as quick:
        yield quick


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


def test_an_index_is_measured_with_it_and_without_it_and_stays() -> None:
    """One of a table and one of a partitioned table, whose parts go and come with it."""
    with Stage(quick=True) as stage:
        for name in ("idx_users_email", "idx_mcp_logs_level"):
            (repetition,) = FIGURES[name].measure(stage)
            assert repetition["value"] == repetition["with_per_s"] / repetition["without_per_s"] > 0
            assert stage.shelf.connection.execute("SELECT to_regclass(%s)", [name]).fetchone() == (name,)


def test_an_index_that_is_taken_away_is_not_read() -> None:
    question = "SELECT id FROM users WHERE lower(email) = 'user-7@example.org' AND deleted_at IS NULL"
    with Stage(quick=True) as stage:
        stage.shelf.take("users")
        assert stage.shelf.indexes_read(question) == {"idx_users_email"}
        with stage.shelf.without("idx_users_email"):
            assert "idx_users_email" not in stage.shelf.indexes_read(question)


def test_an_index_that_another_one_stands_in_for_is_also_measured_alone() -> None:
    with Stage(quick=True) as stage:
        (repetition,) = FIGURES["idx_api_keys_user_type"].measure(stage)
        assert repetition["alone_times"] > 0
        assert stage.shelf.connection.execute("SELECT to_regclass('uq_api_keys_user_id')").fetchone() != (None,)


def test_months_of_lines_are_partitions_as_the_calendar_makes_them(stage: Stage) -> None:
    with stage.beside() as other:
        made_instances(other)
        months._fill(other, 5)
        ((partitions, missing, rows),) = other.sql.execute(months._HEALTH).fetchall()
        assert (partitions, missing, rows) == (5 + 3, 0, 5 * stage.rows(LONG))


def test_a_month_of_the_audit_trail_is_entered_by_its_actor_and_goes_by_retention(stage: Stage) -> None:
    """The rows are of this month, so their end is measured at another time; it raises unless all of them went."""
    with stage.beside() as other:
        with applying(other, connections=2) as applier:
            assert seconds_of(applier, audit._message(3)) > 0
        audit._seal(other)
        audit._expect(other, 3)
        retired = audit._retired(other.database)
        assert retired["value"] >= retired["drop_detached_s"] > 0
        assert (other.database.name,) in stage.sql.execute(_DATABASES).fetchall()
    assert (other.database.name,) not in stage.sql.execute(_DATABASES).fetchall()


def test_every_index_of_the_specifications_has_a_figure() -> None:
    assert sorted(indexes.NAMES) == sorted(index for index, _ in NAMED)


@pytest.mark.parametrize("kind", [lifecycle.STARTED, lifecycle.CREATED], ids=["InstanceStarted", "CreateInstance"])
def test_pgbench_runs_the_statements_of_the_repositories_to_their_effect(kind: lifecycle.Kind) -> None:
    with Stage(quick=True) as stage:
        batch = lifecycle.Batch.prepare(stage, kind, 40)
        assert pgbench.run(stage, batch, 4) > 0
