"""Log lines are all there once, whatever dies while they come in."""

from datetime import UTC, datetime
from functools import partial
from hashlib import md5
from typing import Final
from uuid import UUID

import psutil
import pytest

from embedded.valkey import ValkeyServer
from producers import LogLine, LogsEmitted, connect
from tests.acceptance.processes import started, wait_until
from tests.acceptance.traffic import READY, prepare
from tests.databases import TestDatabase
from tests.integration.bus.network import FaultyNetwork

LINES: Final = 250
BATCHES: Final = 60
ROUNDS: Final = 2


@pytest.mark.slow
def test_every_line_is_stored_once_under_kills_lost_sessions_and_cuts(
    test_database: TestDatabase, valkey_server: ValkeyServer, environment: dict[str, str]
) -> None:
    prepare(test_database, environment, 0)
    instance_id = UUID(str(test_database.value("SELECT id FROM mcp_instances")))
    batches = [_batch(instance_id, number) for number in range(ROUNDS * BATCHES)]
    with FaultyNetwork(valkey_server.port) as network:
        seen = {**environment, "REDIS_URL": network.url}
        with (
            started("-m", "workers", "--processes", "2", "--threads", "4", **seen) as pool,
            connect(environment["REDIS_URL"]) as producer,
        ):
            wait_until(lambda: pool.log.count(READY) == 2, 60, lambda: pool.log)
            for number in range(ROUNDS):
                before = _stored(test_database)
                producer.send_many(batches[number * BATCHES : (number + 1) * BATCHES])
                wait_until(partial(_has_more_than, before, test_database), 20, lambda: pool.log)
                _kill(pool.children())
                network.cut()
                test_database.ask(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'minimcp-worker'"
                    " AND datname = current_database()"
                )
                network.mend()
            everything = ROUNDS * BATCHES * LINES
            wait_until(lambda: _stored(test_database) >= everything, 30, lambda: pool.log)
            assert pool.end() == 0
    assert _stored(test_database) == everything
    sent = sorted(line.message for batch in batches for line in batch.lines)
    checksum = "SELECT md5(string_agg(message, '' ORDER BY message COLLATE \"C\")) FROM mcp_logs"
    assert test_database.value(checksum) == md5("".join(sent).encode(), usedforsecurity=False).hexdigest()
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0


def _batch(instance_id: UUID, number: int) -> LogsEmitted:
    now = datetime.now(UTC)
    return LogsEmitted(
        lines=[
            LogLine(instance_id=instance_id, timestamp=now, message=f"{number:04}/{place:04}") for place in range(LINES)
        ]
    )


def _stored(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(*) FROM mcp_logs")))


def _has_more_than(before: int, database: TestDatabase) -> bool:
    return _stored(database) > before


def _kill(workers: list[psutil.Process]) -> None:
    if workers:
        workers[0].kill()
