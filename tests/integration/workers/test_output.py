"""Whoever reads an answer may have enough of it, and whoever asked may: neither is told of a fault."""

import os
import subprocess
import sys
from uuid import UUID

import pytest

from db.engine import Database
from tests.databases import TestDatabase
from workers.__main__ import main
from workers.applier import Applier
from workers.commands.output import STOPPED

from .printed import an_instance, printed

_MANY_COUNTS = """
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
