"""Log lines are all there once, whatever dies while they come in."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from embedded.postgres import PostgresServer
from embedded.valkey import ValkeyServer
from producers import LogLine, LogsEmitted, Producer, connect
from tests import databases
from tests.acceptance.processes import RunningProcess, started, wait_until
from tests.acceptance.traffic import READY, prepare
from tests.databases import TestDatabase
from tests.integration.bus.network import FaultyNetwork

SECONDS: Final = float(os.environ.get("FAULT_SECONDS", "0"))
"""How long workers are killed and servers go away; each kind of fault happens once in any case."""

LINES: Final = 250
BATCHES: Final = 40
PATIENCE: Final = 90.0


class Sent:
    """Batches of lines that tell their place, and the checksum of all of them in that order."""

    def __init__(self, instance_id: UUID) -> None:
        self.batches = 0
        self._instance_id = instance_id
        self._checksum = md5(usedforsecurity=False)

    @property
    def checksum(self) -> str:
        return self._checksum.hexdigest()

    def more(self) -> Iterator[LogsEmitted]:
        for _ in range(BATCHES):
            texts = [f"{self.batches:06}/{place:04} " for place in range(LINES)]
            self.batches += 1
            self._checksum.update("".join(texts).encode())
            now = datetime.now(UTC)
            yield LogsEmitted(
                lines=[LogLine(instance_id=self._instance_id, timestamp=now, message=text) for text in texts]
            )


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """Run a server of the test's own, which flushes to the disk what it commits."""
    with PostgresServer(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def test_database(postgres: PostgresServer) -> TestDatabase:
    return databases.make_template(postgres.url)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 2 * PATIENCE)
def test_every_line_is_stored_once_while_workers_are_killed_and_servers_go_away(
    postgres: PostgresServer, test_database: TestDatabase, valkey_server: ValkeyServer, environment: dict[str, str]
) -> None:
    """PostgreSQL ends in order and as by a power cut, sessions end, Redis is cut off, and each time a worker dies."""
    prepare(test_database, environment, 0)
    sent = Sent(UUID(str(test_database.value("SELECT id FROM mcp_instances"))))
    with (
        FaultyNetwork(valkey_server.port) as network,
        connect(environment["REDIS_URL"]) as producer,
        _pool({**environment, "REDIS_URL": network.url}) as pool,
    ):
        faults = (
            partial(_restart, postgres, producer, sent, immediate=True),
            partial(_cut, network),
            partial(_restart, postgres, producer, sent, immediate=False),
            partial(_end_sessions, test_database),
        )
        _disturb(pool, partial(_send_and_see, producer, sent, test_database), faults)
        wait_until(lambda: _stored(test_database) >= sent.batches * LINES, PATIENCE, lambda: pool.log)
        assert pool.end() == 0
    assert "automatic recovery in progress" in postgres.log.read_text(encoding="utf-8")
    _assert_each_once(test_database, sent)


@contextmanager
def _pool(environment: dict[str, str]) -> Iterator[RunningProcess]:
    with started("-m", "workers", "--processes", "2", "--threads", "4", **environment) as pool:
        wait_until(lambda: pool.log.count(READY) == 2, 60, lambda: pool.log)
        yield pool


def _disturb(pool: RunningProcess, send: Callable[[], None], faults: Sequence[Callable[[], None]]) -> None:
    """Kill one worker and then another in the midst of their work, and something else goes wrong each time."""
    end = time.monotonic() + SECONDS
    place = 0
    while place < len(faults) or time.monotonic() < end:
        send()
        workers = pool.children()
        if workers:
            workers[place % len(workers)].kill()
        faults[place % len(faults)]()
        place += 1


def _send_and_see(producer: Producer, sent: Sent, database: TestDatabase) -> None:
    before = _stored(database)
    producer.send_many(sent.more())
    wait_until(lambda: _stored(database) > before, PATIENCE)


def _restart(postgres: PostgresServer, producer: Producer, sent: Sent, *, immediate: bool) -> None:
    postgres.stop(immediate=immediate)
    producer.send_many(sent.more())
    postgres.start()


def _cut(network: FaultyNetwork) -> None:
    network.cut()
    network.mend()


def _end_sessions(database: TestDatabase) -> None:
    database.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'minimcp-worker'"
        " AND datname = current_database()"
    )


def _assert_each_once(database: TestDatabase, sent: Sent) -> None:
    assert _stored(database) == sent.batches * LINES
    checksum = "SELECT md5(string_agg(message, '' ORDER BY message COLLATE \"C\")) FROM mcp_logs"
    assert database.value(checksum) == sent.checksum
    assert database.ask("SELECT outcome, count(*) FROM inbox WHERE wire_name = 'logs.emitted.v1' GROUP BY 1") == [
        ("applied", sent.batches)
    ]
    for nothing in ("dead_letters", "log_quarantine", "redeliveries"):
        assert database.ask(f"TABLE {nothing}") == []


def _stored(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(*) FROM mcp_logs")))
