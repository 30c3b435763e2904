"""Whoever reads an answer may have enough of it, and whoever asked may: neither is told of a fault."""

import os
import shlex
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from db.engine import Database
from db.errors import DatabaseUnavailable
from db.looking import Look
from db.page import Mark, Window
from tests.databases import TestDatabase
from workers.__main__ import main
from workers.applier import Applier
from workers.commands import answers, progress, walking
from workers.commands.lines import Question
from workers.commands.output import STOPPED
from workers.commands.walking import Walk

from .printed import NOW, an_instance, printed

GONE: Final = "PostgreSQL is gone"

_MANY_COUNTS: Final = """
INSERT INTO gateway.request_rollups (unit, starts_at, tenant_id, server_id, entries, errors, succeeded, measured,
                                     total_ms)
SELECT 'day', date_trunc('day', now(), 'UTC'), repeat('x', 100), 'server-' || n, 1, 0, 1, 0, 0
  FROM generate_series(1, 5000) n
"""


@pytest.fixture
def instance_id(user: None, applier: Applier) -> UUID:
    del user
    return an_instance(applier)


@pytest.mark.parametrize("question", ["logs tail --limit 500 --instance", "usage requests --limit 10000"])
def test_whoever_reads_may_stop_reading(
    database: Database, instance_id: UUID, test_database: TestDatabase, question: str
) -> None:
    printed(database, instance_id, *(["x" * 1_000] * 500))
    test_database.ask(_MANY_COUNTS)
    command = [sys.executable, "-m", "workers", *question.split(), *([str(instance_id)] if "logs" in question else [])]
    with subprocess.Popen(
        command,
        env={**os.environ, "DATABASE_URL": test_database.worker_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reading:
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.readline()
        reading.stdout.close()
        assert reading.stderr.read() == ""
        assert reading.wait() == 0


@pytest.mark.parametrize("redirection", ["| true", ">&-"])
def test_a_probe_is_never_told_that_workers_are_well_for_want_of_a_reader(tmp_path: Path, redirection: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m workers liveness {redirection}; echo ${{PIPESTATUS[0]}} >&2"
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    ended = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert ended.stderr.endswith("1\n")


@pytest.mark.parametrize("question", ["usage requests", "health list", "outbox lag", "dead-letters list"])
def test_whoever_asks_may_end_it(
    test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], question: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", test_database.worker_url)

    def interrupted(database: Database) -> None:
        del database
        raise KeyboardInterrupt

    monkeypatch.setattr(Database, "transaction", interrupted)
    assert main(question.split()) == STOPPED
    assert capsys.readouterr().err == ""


def test_a_login_that_may_not_is_told_which_one_may(
    test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", test_database.producer_url())
    assert main(["logs", "tail", "--instance", str(UUID(int=7))]) == 1
    told = capsys.readouterr().err
    assert "permission denied" in told
    assert "Set DATABASE_URL to a login that may" in told


class Terminal(StringIO):
    """What a terminal is to a program, but for the people."""

    def isatty(self) -> bool:
        return True


def test_a_fault_in_the_midst_of_a_walk_finds_the_line_of_progress_cleared(
    database: Database, instance_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed(database, instance_id, *(["refused"] * 1_500))
    monkeypatch.setattr(progress, "_PATIENCE_SECONDS", 0)
    monkeypatch.setattr(walking, "MOST", 1_000)
    look = Walk._look

    def gone(walk: Walk, of: UUID, place: Mark) -> Look:
        if walk.lines:
            raise DatabaseUnavailable(GONE)
        return look(walk, of, place)

    monkeypatch.setattr(Walk, "_look", gone)
    question = Question((instance_id,), Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1)), limit=1_200)
    terminal = Terminal()
    voice = answers.Voice(lambda _: None, pytest.fail, progress.Progress(terminal))
    with pytest.raises(DatabaseUnavailable, match=GONE):
        answers.show(database, question, voice, as_found=False)
    assert "looked at 1,000 lines" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")
