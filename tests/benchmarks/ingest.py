"""Log lines from Redis to commit, against what PostgreSQL takes in when nobody thinks."""

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg

from producers import LogLine, LogsEmitted
from producers.message_id import derived

from .comparison import in_turn
from .figures import Repetition, at_least, figure
from .plain import PLAIN, enqueue_plain
from .pool import Pool, warm_pool
from .stage import Stage, until
from .transactions import CONNECTIONS, PROCESSES, THREADS

LINES: Final = 500
INSTANCES: Final = 100
QUEUE: Final = "dramatiq:logs"

NEW_INSTANCES: Final = b"""
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
_COUNT: Final = b"SELECT count(*) FROM mcp_logs"
_SPAN: Final = b"SELECT count(*), extract(epoch FROM max(created_at) - min(created_at)) FROM mcp_logs"


@figure(
    target=at_least(0.7),
    compares=f"LogsEmitted, {LINES} lines of about 200 bytes each, waiting in Redis, in the queue of those who send no"
    f" more than their share: {PROCESSES} warm processes `python -m workers --threads {THREADS}`, from the moment they"
    " go on until all is committed and acknowledged, against a prebuilt binary COPY of the same rows into the"
    f" same table by an administrator over {CONNECTIONS} connections, {LINES} rows a transaction; rows per second",
)
def ingest_vs_copy(stage: Stage) -> Iterator[Repetition]:
    """Compare the way in with the limit of the table."""
    instances = made_instances(stage)
    count = stage.count(1_200)
    copies = _prebuilt(stage, instances, count)
    with warm_pool(stage) as pool:

        def ours() -> float:
            return ingested(pool, batches(instances, count, LINES))

        def limit() -> float:
            stage.sql.execute("TRUNCATE mcp_logs")
            return _copied(stage, copies)

        ingested(pool, batches(instances, stage.count(100), LINES))
        yield from in_turn(stage.repetitions(5), left=("workers_per_s", ours), right=("copy_per_s", limit))


@figure(
    target=at_least(6),
    compares=f"LogsEmitted, {LINES} lines of about 200 bytes each: {PROCESSES} warm processes `python -m workers"
    f" --threads {THREADS}`, as ingest_vs_copy, against Dramatiq's RedisBroker with its defaults under its own command"
    f" line, {PROCESSES} processes of {THREADS} threads, with SQLAlchemy's `add_all` and a transaction for each"
    " message; rows per second, theirs from the first transaction to the last",
)
def ingest_vs_orm(stage: Stage) -> Iterator[Repetition]:
    """Compare the way in with what a newcomer writes."""
    instances = made_instances(stage)
    command = ("dramatiq", "tests.benchmarks.programs.logs_dramatiq:broker", "-p", str(PROCESSES), "-t", str(THREADS))
    newcomer = stage.program(*command).with_environment(DATABASE_URL=stage.database.worker_url)

    def ours() -> float:
        with warm_pool(stage) as pool:
            ingested(pool, batches(instances, stage.count(100), LINES))
            return ingested(pool, batches(instances, stage.count(300), LINES))

    def theirs() -> float:
        stage.sql.execute("TRUNCATE mcp_logs")
        messages = batches(instances, stage.count(60), LINES)
        enqueue_plain(stage, messages)
        with newcomer.running() as process:
            until(lambda: process.check() and not stage.waiting([f"{PLAIN}:instances"]), "adding")
        ((rows, seconds),) = stage.sql.execute(_SPAN).fetchall()
        if rows != len(messages) * LINES:
            raise ValueError(f"of {len(messages)} messages {rows} rows are stored")
        return float((len(messages) - 1) * LINES / float(seconds))

    yield from in_turn(stage.repetitions(3), left=("workers_per_s", ours), right=("add_all_per_s", theirs))


@figure(
    target=at_least(3),
    compares=f"LogsEmitted, half of them of 1 line and half of 10, waiting in Redis: {PROCESSES} warm processes"
    f" `python -m workers --threads {THREADS}`, as they ship, against the same with a transaction for each message;"
    " rows per second until all is committed and acknowledged",
)
def ingest_small_vs_single(stage: Stage) -> Iterator[Repetition]:
    """Show what sharing a transaction is worth to small batches."""
    instances = made_instances(stage)

    def small(count: int) -> list[LogsEmitted]:
        return [*batches(instances, count // 2, 1), *batches(instances, count // 2, 10)]

    def rate(module: str) -> float:
        with warm_pool(stage, module) as pool:
            ingested(pool, small(stage.count(400)))
            return ingested(pool, small(stage.count(6_000)))

    def alone() -> float:
        return rate("tests.benchmarks.programs.workers_alone")

    yield from in_turn(
        stage.repetitions(3), left=("grouped_per_s", lambda: rate("workers")), right=("single_per_s", alone)
    )


def ingested(pool: Pool, messages: Sequence[LogsEmitted]) -> float:
    """Have the lines of messages come into an empty table, and give the rows per second."""
    pool.stage.sql.execute("TRUNCATE mcp_logs")
    seconds = pool.drain(messages)
    ((rows,),) = pool.stage.sql.execute(_COUNT).fetchall()
    if rows != sum(len(each.lines) for each in messages):
        raise ValueError(f"of {len(messages)} messages {rows} rows are stored")
    return int(rows) / seconds


def made_instances(stage: Stage) -> list[UUID]:
    """Make the instances that print."""
    return [instance_id for (instance_id,) in stage.sql.execute(NEW_INSTANCES, [INSTANCES]).fetchall()]


def batches(instances: Sequence[UUID], count: int, lines: int) -> list[LogsEmitted]:
    """Make messages of so many lines each."""
    now = datetime.now(UTC)
    made = [
        LogLine(
            instance_id=instances[number % INSTANCES],
            timestamp=now + timedelta(microseconds=number),
            message=f"{number:06} " + "GET /mcp 200 in 84 ms " * 6,
            metadata={"request": number, "path": "/mcp"},
        )
        for number in range(lines)
    ]
    return [LogsEmitted(lines=made) for _ in range(count)]


def _prebuilt(stage: Stage, instances: Sequence[UUID], count: int) -> list[bytes]:
    """Make what COPY reads: the rows of the same messages, a piece for each."""
    with stage.sql.cursor() as cursor:
        return [_binary(cursor, message) for message in batches(instances, count, LINES)]


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
