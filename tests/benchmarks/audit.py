"""A long audit trail: what entering a row costs, and letting go of a month."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address
from itertools import islice
from random import randbytes
from statistics import median
from typing import Final
from uuid import uuid4

import psycopg

from producers import ActionAudited
from producers.messages.gateway import AuditedAction
from tests import databases
from tests.crowd import Connection
from tests.databases import TestDatabase
from workers.actors.maintenance import SEALED
from workers.applier import Applier

from .applying import applying, seconds_of
from .comparison import in_turn
from .figures import Repetition, at_most, figure
from .pool import warm_pool
from .stage import Stage
from .statistics import percentile

ROWS: Final = 556_000
LAST: Final = 10_000
BODY: Final = 3_000
TOGETHER: Final = 10
"""Actions of a message that is timed."""
IN_BULK: Final = 250
"""Actions of a message that fills: with bodies like these, more are too large to send."""
PORTION: Final = 150
"""Messages that wait at a time while it is filled."""
USERS: Final = [uuid4() for _ in range(100)]

_SETTING: Final = (
    f"ActionAudited, bodies of {BODY:,} bytes that do not compress, triggers, hashes and seals as shipped; the"
    f" {ROWS - LAST:,} rows before came from Redis by two processes `python -m workers`, {IN_BULK} in a message"
)
_SEAL: Final = "SELECT maintenance.seal_audit(%s)"
_COUNT: Final = "SELECT count(*) FROM gateway.audit_logs"
_POLICY: Final = """
UPDATE maintenance.data_retention_policies
   SET strategy = 'detach_drop', grace_days = 0, is_active = (schema_name, table_name) = ('gateway', 'audit_logs')
"""
_WHEN_DUE: Final = """
SELECT set_config('maintenance.clock', (date_trunc('month', now()) + interval '1 month'
                                        + make_interval(days => retention_days))::text, false)
  FROM maintenance.data_retention_policies WHERE (schema_name, table_name) = ('gateway', 'audit_logs')
"""
_SIZE: Final = """
SELECT sum(total_bytes) FROM maintenance.partition_catalog WHERE (schema_name, table_name) = ('gateway', 'audit_logs')
"""
_LEFT: Final = "SELECT count(*) FROM maintenance.detached_partitions WHERE dropped_at IS NULL"
_STEPS: Final = ("strip_foreign_keys", "drop_detached", "detach_expired")
"""In the order in which a tick tries them."""


@dataclass(frozen=True)
class Run:
    """What entering cost in each turn, and what each farewell to the month."""

    entered: Sequence[Repetition]
    retired: Sequence[Repetition]


@figure(
    target=at_most(1.3),
    compares=f"99th percentile of the transactions that enter the last {LAST:,} of {ROWS:,} rows, against those of the"
    f" first {LAST:,} of an empty table, in turn; {_SETTING}, {TOGETHER} in one that is timed, from its bytes to the"
    " commit, one after the other under a worker's login",
)
def audit_insert_last_vs_first(stage: Stage) -> Iterator[Repetition]:
    """Tell whether a long table slows those who write to it."""
    yield from _run(stage).entered


@figure(
    target=at_most(1),
    unit="s",
    compares=f"seconds in which the functions of retention detach and drop the month of {ROWS:,} rows, all steps"
    f" together, each committed, without a grace and an archive; {_SETTING}; a repetition is a copy of the database",
)
def audit_month_retention_s(stage: Stage) -> Iterator[Repetition]:
    """Tell how long the month takes to go."""
    yield from _run(stage).retired


@cache
def _run(stage: Stage) -> Run:
    """Measure once for both figures: to fill the table takes the most of the time."""
    with stage.beside() as long, stage.beside() as empty:
        _fill(long, stage.rows(ROWS - LAST))
        entered = list(_entered(stage, long, empty))
        long.sql.close()
        copies = [databases.copy(long.database) for _ in range(stage.repetitions(3))]
        retired = [_retired(each) for each in copies]
        for each in copies:
            databases.drop(each, stage.server_url)
    return Run(entered, retired)


def _fill(stage: Stage, rows: int) -> None:
    with warm_pool(stage) as pool:
        messages = (_message(min(IN_BULK, rows - done)) for done in range(0, rows, IN_BULK))
        while portion := list(islice(messages, PORTION)):
            pool.drain(portion)
            _seal(stage)
    stage.sql.execute("VACUUM ANALYZE gateway.audit_logs")
    stage.sql.execute("CHECKPOINT")
    _expect(stage, rows)


def _entered(stage: Stage, long: Stage, empty: Stage) -> Iterator[Repetition]:
    took: dict[str, list[float]] = {}
    with applying(long, connections=2) as last, applying(empty, connections=2) as first:

        def p99(name: str, side: Stage, applier: Applier) -> float:
            count = max(2, stage.rows(LAST) // TOGETHER)
            took[name] = [seconds_of(applier, _message(TOGETHER)) * 1000 for _ in range(count)]
            _seal(side)
            return percentile(took[name], 99)

        def long_p99() -> float:
            return p99("last", long, last)

        def empty_p99() -> float:
            empty.sql.execute("TRUNCATE gateway.audit_logs")
            rate = p99("first", empty, first)
            _expect(empty, len(took["first"]) * TOGETHER)
            return rate

        for each in (last, first):
            seconds_of(each, _message(TOGETHER))  # the statements are prepared
        for turn in in_turn(stage.repetitions(9), left=("last_p99_ms", long_p99), right=("first_p99_ms", empty_p99)):
            yield {**turn, **{f"{name}_median_ms": median(each) for name, each in took.items()}}


def _retired(database: TestDatabase) -> Repetition:
    """Let go of the month in a database, when its time has come."""
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute(_POLICY)
        connection.execute(_WHEN_DUE)
        ((size,),) = connection.execute(_SIZE).fetchall()
        took = dict.fromkeys(_STEPS, 0.0)
        while any(_step(connection, name, took) for name in _STEPS):
            pass
        ((rows,),) = connection.execute(_COUNT).fetchall()
        ((left,),) = connection.execute(_LEFT).fetchall()
    if rows or left:
        raise ValueError(f"{rows} rows and {left} detached partitions are left")
    seconds = {f"{name}_s": each for name, each in took.items()}
    return {"value": sum(took.values()), **seconds, "megabytes": int(size) / 1e6}


def _step(connection: Connection, name: str, took: dict[str, float]) -> bool:
    """Take a step, if there is one to take, and add how long it took."""
    began = time.perf_counter()
    found = connection.execute(f"SELECT maintenance.{name}()".encode()).fetchall() != [(None,)]
    took[name] += time.perf_counter() - began
    return found


def _message(actions: int) -> ActionAudited:
    """Make a message of actions with bodies like those of calls of tools."""
    now = datetime.now(UTC)
    return ActionAudited(
        actions=[
            AuditedAction(
                acted_at=now,
                action="tools/call",
                resource_type="server",
                resource_id=f"server-{number}",
                user_id=USERS[number % len(USERS)],
                tenant_id="acme",
                ip_address=IPv4Address("192.0.2.7"),
                details={"body": randbytes(BODY // 2).hex()},
            )
            for number in range(actions)
        ]
    )


def _seal(stage: Stage) -> None:
    """Do what the tick of every minute does."""
    while stage.sql.execute(_SEAL, [SEALED]).fetchall() == [(SEALED,)]:
        pass


def _expect(stage: Stage, rows: int) -> None:
    ((found,),) = stage.sql.execute(_COUNT).fetchall()
    if found != rows:
        raise ValueError(f"there are {found} rows instead of {rows}")
