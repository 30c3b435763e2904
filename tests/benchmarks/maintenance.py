"""What maintenance costs those who work meanwhile."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Final
from uuid import UUID

from producers import LogLine, LogsEmitted
from producers import message_id as ids
from producers.envelope import seal
from workers.applier import Applier
from workers.delivery import Delivery

from .applying import applying
from .figures import Repetition, at_most, figure
from .ingest import NEW_INSTANCES
from .stage import Stage

LINES: Final = 500
THREADS: Final = 4
SLICES: Final = 6
SLICE_SECONDS: Final = 5.0

_OLD_MONTH: Final = """
CREATE TABLE partitions.mcp_logs_long_ago (LIKE mcp_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE partitions.mcp_logs_long_ago OWNER TO mcp_owner;
ALTER TABLE mcp_logs ATTACH PARTITION partitions.mcp_logs_long_ago FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');
INSERT INTO mcp_logs (mcp_instance_id, timestamp, message)
SELECT (SELECT min(id::text)::uuid FROM mcp_instances), '2020-01-02', repeat('x', 100) FROM generate_series(1, 50000);
UPDATE maintenance.data_retention_policies SET grace_days = 0 WHERE table_name = 'mcp_logs';
"""
_FAR_MONTH: Final = """
SELECT partition_name FROM maintenance.partition_catalog WHERE table_name = 'mcp_logs' ORDER BY range_from DESC LIMIT 1
"""
_STEPS: Final = ("keep_calendar", "detach_expired", "strip_foreign_keys", "drop_detached")


@figure(
    target=at_most(10),
    unit="%",
    compares=f"by how much the 99th percentile of a batch ({LINES} lines, applied by {THREADS} threads of a worker"
    " as fast as they can) grows while a partition of the same table is made, and another of 50,000 rows detached,"
    f" freed of its foreign keys and dropped, a step every {SLICE_SECONDS:.0f} s (the timetable: ten minutes);"
    " against the same without, in turn",
)
def maintenance_effect_on_p99(stage: Stage) -> Iterator[Repetition]:
    """Tell whether lines wait for maintenance."""
    instances = [instance_id for (instance_id,) in stage.sql.execute(NEW_INSTANCES, [100]).fetchall()]
    with applying(stage, connections=THREADS + 2) as applier:
        for _ in range(stage.repetitions(5)):
            _prepare(stage)
            quiet, kept = list[float](), list[float]()
            for step in range(SLICES):
                quiet += _slice(stage, applier, instances, None)
                kept += _slice(stage, applier, instances, _STEPS[step % len(_STEPS)])
            before, after = _p99(quiet), _p99(kept)
            told = {"p99_quiet_ms": before * 1000, "p99_kept_ms": after * 1000, "batches": len(kept)}
            yield {"value": (after - before) / before * 100, **told}


def _prepare(stage: Stage) -> None:
    """Have a month to make and another to let go of."""
    stage.sql.execute("TRUNCATE mcp_logs")
    ((far,),) = stage.sql.execute(_FAR_MONTH).fetchall()
    stage.sql.execute(f"DROP TABLE partitions.{far}".encode())
    stage.sql.execute(_OLD_MONTH.encode())


def _slice(stage: Stage, applier: Applier, instances: Sequence[UUID], step: str | None) -> list[float]:
    """Apply batches from all threads for a while, with a step of maintenance in the middle; give how long each took."""
    until = time.monotonic() + stage.seconds(SLICE_SECONDS)
    took: list[list[float]] = [[] for _ in range(THREADS)]
    threads = [threading.Thread(target=_apply, args=(applier, instances, until, each), name="ingest") for each in took]
    for thread in threads:
        thread.start()
    time.sleep(stage.seconds(SLICE_SECONDS) / 2)
    if step is not None:
        stage.sql.execute(f"SELECT maintenance.{step}()".encode())
    for thread in threads:
        thread.join()
    return [seconds for each in took for seconds in each]


def _apply(applier: Applier, instances: Sequence[UUID], until: float, took: list[float]) -> None:
    sent = _batch(instances)
    sealed, old = seal(sent), str(sent.message_id).encode()
    while time.monotonic() < until:
        message_id = str(ids.new())
        delivery = Delivery.unpack("logs", message_id, sealed.replace(old, message_id.encode()), 0)
        began = time.perf_counter()
        applier(delivery)
        took.append(time.perf_counter() - began)


def _batch(instances: Sequence[UUID]) -> LogsEmitted:
    now = datetime.now(UTC) - timedelta(seconds=1)
    lines = [
        LogLine(instance_id=instances[number % len(instances)], timestamp=now, message="GET /mcp 200 in 84 ms " * 6)
        for number in range(LINES)
    ]
    return LogsEmitted(lines=lines)


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[98]
