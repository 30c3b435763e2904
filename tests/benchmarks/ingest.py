"""Log lines from Redis to commit, against what PostgreSQL takes in when nobody thinks."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import psycopg

from producers import LogLine, LogsEmitted
from producers.message_id import derived

from .comparison import in_turn
from .figures import Repetition, at_least, figure
from .stage import Stage, until
from .transactions import CONNECTIONS, PROCESSES, THREADS

LINES: Final = 500
INSTANCES: Final = 100
QUEUE: Final = "dramatiq:logs"

_INSTANCES: Final = b"""
WITH owner AS (INSERT INTO users (email, name) VALUES (gen_random_uuid() || '@example.org', 'Ada') RETURNING id)
INSERT INTO mcp_instances (user_id, mcp_type_id, status, host_id, access_token_hash, access_url, expires_at)
SELECT owner.id, mcp_types.id, 'expired', 'ended', replace(gen_random_uuid()::text || gen_random_uuid(), '-', ''),
       'http://localhost', now()
  FROM owner, mcp_types, generate_series(1, %s) n WHERE mcp_types.name = 'figma' RETURNING id
"""
_EXPORT: Final = b"""
COPY (SELECT id, mcp_instance_id, timestamp, level, source, message, metadata
        FROM json_to_recordset(CAST(%s AS json)) AS line (
             id uuid, mcp_instance_id uuid, timestamp timestamptz, level varchar, source varchar, message text,
             metadata jsonb)) TO STDOUT (FORMAT binary)
"""
_IMPORT: Final = b"""
COPY mcp_logs (id, mcp_instance_id, timestamp, level, source, message, metadata) FROM STDIN (FORMAT binary)
"""
_SPAN: Final = b"""
SELECT count(*), extract(epoch FROM max(created_at) - min(created_at)) FROM inbox WHERE message_id = ANY (%s)
"""


@figure(
    target=at_least(0.7),
    compares=f"LogsEmitted, {LINES} lines of about 200 bytes each: {PROCESSES} processes `python -m workers --threads"
    f" {THREADS}` from Redis to commit, against a prebuilt binary COPY of the same rows into the same table by an"
    f" administrator over {CONNECTIONS} connections, {LINES} rows a transaction; rows per second",
)
def ingest_vs_copy(stage: Stage) -> Iterator[Repetition]:
    """Compare the way in with the limit of the table."""
    instances = [instance_id for (instance_id,) in stage.sql.execute(_INSTANCES, [INSTANCES]).fetchall()]
    count = stage.count(300)
    workers = stage.workers("--threads", str(THREADS))
    copies = _prebuilt(stage, instances, count)

    def ours() -> float:
        stage.sql.execute("TRUNCATE mcp_logs")
        messages = _messages(instances, count)
        stage.producer.send_many(messages)
        with ExitStack() as running:
            processes = [running.enter_context(workers.running()) for _ in range(PROCESSES)]
            until(lambda: all(each.check() for each in processes) and not stage.waiting([QUEUE]), "draining")
        return _rate(stage, messages)

    def limit() -> float:
        stage.sql.execute("TRUNCATE mcp_logs")
        return _copied(stage, copies)

    yield from in_turn(stage.repetitions(5), left=("workers_per_s", ours), right=("copy_per_s", limit))


def _messages(instances: Sequence[UUID], count: int) -> list[LogsEmitted]:
    now = datetime.now(UTC)
    lines = [
        LogLine(
            instance_id=instances[number % INSTANCES],
            timestamp=now,
            message=f"{number:06} " + "GET /mcp 200 in 84 ms " * 6,
            metadata={"request": number, "path": "/mcp"},
        )
        for number in range(LINES)
    ]
    return [LogsEmitted(lines=lines) for _ in range(count)]


def _prebuilt(stage: Stage, instances: Sequence[UUID], count: int) -> list[bytes]:
    """Make what COPY reads: the rows of the same messages, a piece for each."""
    with stage.sql.cursor() as cursor:
        return [_binary(cursor, message) for message in _messages(instances, count)]


def _binary(cursor: "psycopg.Cursor[Any]", message: LogsEmitted) -> bytes:
    """Have the server itself write the rows as it reads them."""
    rows = [
        {**line.model_dump(mode="json"), "mcp_instance_id": str(line.instance_id), "id": str(each)}
        for place, line in enumerate(message.lines)
        for each in [derived(message.message_id, place)]
    ]
    with cursor.copy(_EXPORT, [json.dumps(rows)]) as copy:
        return b"".join(bytes(piece) for piece in copy)


def _copied(stage: Stage, pieces: Sequence[bytes]) -> float:
    """Give the rows per second of all connections together, each piece in a transaction."""
    shares = [pieces[start::CONNECTIONS] for start in range(CONNECTIONS)]

    def copy_in(connection: "psycopg.Connection[Any]", share: Sequence[bytes]) -> None:
        for piece in share:
            with connection.cursor().copy(_IMPORT) as copy:
                copy.write(piece)

    with ExitStack() as opened:
        connect = psycopg.connect
        connections = [
            opened.enter_context(connect(stage.database.admin_url, autocommit=True)) for _ in range(CONNECTIONS)
        ]
        threads = opened.enter_context(ThreadPoolExecutor(CONNECTIONS))
        started = time.perf_counter()
        list(threads.map(copy_in, connections, shares))
        return len(pieces) * LINES / (time.perf_counter() - started)


def _rate(stage: Stage, messages: Sequence[LogsEmitted]) -> float:
    """Give the rows per second from the first transaction to the last; raise unless every row is there."""
    ((applied, seconds),) = stage.sql.execute(_SPAN, [[each.message_id for each in messages]]).fetchall()
    ((rows,),) = stage.sql.execute("SELECT count(*) FROM mcp_logs").fetchall()
    if applied != len(messages) or rows != len(messages) * LINES:
        raise ValueError(f"of {len(messages)} messages {applied} were applied and {rows} rows stored")
    return float((applied - 1) * LINES / float(seconds))
