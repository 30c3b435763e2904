"""PostgreSQL runs out of disk while lines come in; when there is room again, all of them are there once."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from embedded import programs
from embedded.postgres import PostgresServer
from producers import LogLine, LogsEmitted, connect
from tests import databases
from tests.acceptance.processes import wait_until
from tests.acceptance.traffic import USER, prepare
from tests.databases import TestDatabase
from workers.app import running
from workers.settings import WorkerSettings

LINES: Final = 250
BATCHES: Final = 16
"""Of lines of a kilobyte, four megabytes together: twice as much as is free at first."""

WAITING: Final = "messages wait: PostgreSQL answered: could not extend file"
"""What a worker logs that neither gives up nor counts an attempt."""

ROOM: Final = "16m"
BALLAST: Final = 12_000

PRIVATE: Final = ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-c")
"""A namespace in which any user may mount a file system that nobody else sees, where the kernel lets users do so."""

MOUNT: Final = f'mount -t tmpfs -o size={ROOM},mode=0700 tmpfs "$0" && exec "$@"'


class SmallDisk(PostgresServer):
    """A PostgreSQL with a file system of a few megabytes, for whatever is put there."""

    @property
    def small(self) -> str:
        """Where the server sees it."""
        return f"{self._cluster_argument()}/small"

    def _prepare(self) -> None:
        super()._prepare()
        (self._cluster / "small").mkdir(exist_ok=True)

    def _command(self) -> Sequence[str]:
        return [*PRIVATE, MOUNT, "small", *super()._command()]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[SmallDisk]:
    if not _may_mount():
        pytest.skip("this system lets its users mount no file system of their own")
    with SmallDisk(tmp_path / "postgres", settings={"fsync": "off", "autovacuum": "off"}) as server:
        yield server


@pytest.fixture
def database(postgres: SmallDisk) -> TestDatabase:
    """Have the partitions of log lines on the small disk, and not much room beside them."""
    database = databases.make_template(postgres.url)
    database.ask(f"CREATE TABLESPACE small LOCATION '{postgres.small}'")
    partitions = "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'mcp_logs'::regclass"
    for (partition,) in database.ask(partitions):
        database.ask(f"ALTER TABLE {partition} SET TABLESPACE small")
    database.ask(
        f"CREATE TABLE ballast TABLESPACE small AS SELECT repeat('x', 1000) FROM generate_series(1, {BALLAST})"  # noqa: S608  a number of this file
    )
    return database


def test_lines_wait_for_room_on_a_full_disk_and_each_is_stored_once(
    database: TestDatabase, redis_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    prepare(database, {"REDIS_URL": redis_url}, 0)
    instance_id = UUID(str(database.value("SELECT id FROM mcp_instances")))
    settings = WorkerSettings(redis_url, database.settings(), threads=4, queues=frozenset({"logs"}))
    with running(settings), connect(redis_url) as producer:
        producer.send_many(_batch(instance_id, number) for number in range(BATCHES))
        wait_until(lambda: WAITING in caplog.text, 20, lambda: caplog.text)
        assert database.value("SELECT count(*) < %s FROM inbox", BATCHES)
        database.ask("DROP TABLE ballast")
        wait_until(lambda: database.value("SELECT count(*) FROM inbox") == BATCHES, 20, lambda: caplog.text)
    assert database.ask("SELECT count(*), count(DISTINCT left(message, 9)) FROM mcp_logs") == [(BATCHES * LINES,) * 2]
    for nothing in ("dead_letters", "log_quarantine", "redeliveries"):
        assert database.ask(f"TABLE {nothing}") == []


def _batch(instance_id: UUID, number: int) -> LogsEmitted:
    now = datetime.now(UTC)
    texts = (f"{number:04}/{place:04}{'x' * 1_000}" for place in range(LINES))
    return LogsEmitted(lines=[LogLine(instance_id=instance_id, timestamp=now, message=text) for text in texts])


def _may_mount() -> bool:
    """Try it as the account that the server runs as, over a folder that others go on seeing as it is."""
    try:
        tried = subprocess.run(
            [*PRIVATE, MOUNT, tempfile.gettempdir(), "true"], user=programs.account(), capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0
