"""A month of log lines that goes: as a partition, against a DELETE of the same rows."""

import time
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, TypeAlias

from .figures import Repetition, at_least, figure
from .ingest import NEW_INSTANCES
from .stage import Stage

LINES: Final = 2_000_000
SIDES: Final = {"by_retention": "2020-01-01", "by_delete": "2020-03-01"}
COMPARES: Final = (
    f"a month of {LINES:,} log lines of about 150 bytes: detached, freed of its foreign keys and dropped by the"
    " functions of retention, against DELETE of as many rows of another month, in the same run, each after a"
    " checkpoint and committed; "
)

Spent: TypeAlias = Mapping[str, tuple[float, float]]
"""Seconds and megabytes of WAL, by side."""

_MONTH: Final = """
CREATE TABLE partitions.mcp_logs_{name} (LIKE mcp_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE partitions.mcp_logs_{name} OWNER TO mcp_owner;
"""
# The rows before the indexes, which takes a third of the time.
_FILL: Final = """
INSERT INTO partitions.mcp_logs_{name} (mcp_instance_id, timestamp, level, message)
SELECT i.ids[1 + n %% 100], CAST('{start}' AS timestamptz) + n * interval '1 second',
       (ARRAY['info', 'info', 'info', 'debug', 'warn', 'error'])[1 + n %% 6], n || repeat(' GET /mcp 200 in 84 ms', 6)
  FROM (SELECT array_agg(id) AS ids FROM mcp_instances) i, generate_series(1, %s) n
"""
_ATTACH: Final = """
ALTER TABLE mcp_logs ATTACH PARTITION partitions.mcp_logs_{name}
    FOR VALUES FROM ('{start}') TO (CAST('{start}' AS timestamptz) + interval '31 days');
"""
_AT_ONCE: Final = "UPDATE maintenance.data_retention_policies SET grace_days = 0 WHERE table_name = 'mcp_logs'"
_DELETE: Final = "DELETE FROM mcp_logs WHERE timestamp >= '2020-03-01' AND timestamp < '2020-04-01'"
_STEPS: Final = ("detach_expired", "strip_foreign_keys", "drop_detached")


@figure(target=at_least(500), compares=COMPARES + "bytes of WAL (pg_current_wal_lsn), how many times fewer")
def retention_wal_vs_delete(stage: Stage) -> Iterator[Repetition]:
    """Tell how much less retention writes."""
    spent = _spent(stage)
    megabytes = {f"{side}_mb": wal for side, (_, wal) in spent.items()}
    yield {"value": spent["by_delete"][1] / spent["by_retention"][1], **megabytes}


@figure(target=at_least(2), compares=COMPARES + "seconds, how many times fewer; VACUUM not counted")
def retention_time_vs_delete(stage: Stage) -> Iterator[Repetition]:
    """Tell how much sooner retention is done; beside it what VACUUM takes, by which DELETE gives its room back."""
    spent = _spent(stage)
    seconds = {f"{side}_s": seconds for side, (seconds, _) in spent.items()}
    yield {"value": spent["by_delete"][0] / spent["by_retention"][0], **seconds}


@cache
def _spent(stage: Stage) -> Spent:
    """Measure both sides once for both figures."""
    lines = stage.count(LINES)
    stage.sql.execute("TRUNCATE mcp_logs")
    stage.sql.execute(NEW_INSTANCES, [100])
    stage.sql.execute(_AT_ONCE)
    for name, start in SIDES.items():
        stage.sql.execute(_MONTH.format(name=name).encode())
        stage.sql.execute(_FILL.format(name=name, start=start).encode(), [lines])
    deleted = _measured(stage, lines, "by_delete", lambda: _delete(stage, lines))
    vacuumed = _timed(stage, lambda: stage.sql.execute("VACUUM partitions.mcp_logs_by_delete"))
    stage.sql.execute("DROP TABLE partitions.mcp_logs_by_delete")
    retired = _measured(stage, lines, "by_retention", lambda: _retire(stage))
    return {"by_retention": retired, "by_delete": deleted, "by_vacuum": vacuumed}


def _measured(stage: Stage, lines: int, name: str, work: Callable[[], None]) -> tuple[float, float]:
    stage.sql.execute(_ATTACH.format(name=name, start=SIDES[name]).encode())
    ((rows,),) = stage.sql.execute("SELECT count(*) FROM mcp_logs").fetchall()
    if rows != lines:
        raise ValueError(f"there are {rows} rows instead of {lines}")
    stage.sql.execute("CHECKPOINT")
    spent = _timed(stage, work)
    ((rows,),) = stage.sql.execute("SELECT count(*) FROM mcp_logs").fetchall()
    if rows:
        raise ValueError(f"{rows} rows are left")
    return spent


def _timed(stage: Stage, work: Callable[[], object]) -> tuple[float, float]:
    before, started = _written(stage), time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return seconds, (_written(stage) - before) / 1e6


def _retire(stage: Stage) -> None:
    for step in _STEPS:
        while stage.sql.execute(f"SELECT maintenance.{step}()".encode()).fetchall() != [(None,)]:
            pass


def _delete(stage: Stage, lines: int) -> None:
    if stage.sql.execute(_DELETE).rowcount != lines:
        raise ValueError("DELETE did not find all rows")


def _written(stage: Stage) -> int:
    ((lsn,),) = stage.sql.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')").fetchall()
    return int(lsn)
