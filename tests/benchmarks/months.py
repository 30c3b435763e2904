"""Whether new log lines wait for two years of old ones."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

import psycopg

from .comparison import in_turn
from .figures import Repetition, at_least, figure
from .ingest import INSTANCES, LINES, batches, made_instances
from .pool import Pool, warm_pool
from .stage import LONG, Stage
from .transactions import PROCESSES, THREADS

MONTHS: Final = 24
FILLERS: Final = 2

# Short and many, because another process on the machine shall not meet one side only.
_REPETITIONS: Final = 31

_KEEP: Final = "UPDATE maintenance.data_retention_policies SET retention_days = 750 WHERE table_name = 'mcp_logs'"
_STARTS: Final = """
SELECT starts FROM generate_series(date_trunc('month', now()) - (%s - 1) * interval '1 month', now(), '1 month') starts
"""
_EMPTY: Final = """
SELECT format('DROP TABLE partitions.%%I', partition_name) FROM maintenance.partition_catalog
 WHERE table_name = 'mcp_logs' AND range_from >= %s AND range_from <= now()
"""
# As maintenance.create_partition does it, but for the rows: they come before the indexes, in a third of the time.
_MONTH: Final = """
CREATE TABLE partitions.{name} (LIKE mcp_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED
                                INCLUDING STORAGE INCLUDING COMPRESSION);
ALTER TABLE partitions.{name} OWNER TO mcp_owner;
ALTER TABLE partitions.{name} ENABLE ROW LEVEL SECURITY;
"""
_FILL: Final = """
INSERT INTO partitions.{name} (mcp_instance_id, timestamp, level, message, metadata)
SELECT i.ids[1 + n %% {instances}], month.starts + (month.ends - month.starts) * (CAST(n AS float) / %(rows)s),
       (ARRAY['info', 'info', 'info', 'debug', 'warn', 'error'])[1 + n %% 6],
       lpad(n::text, 6, '0') || repeat(' GET /mcp 200 in 84 ms', 6), jsonb_build_object('request', n, 'path', '/mcp')
  FROM (SELECT array_agg(id) AS ids FROM mcp_instances) i, generate_series(0, %(rows)s - 1) n,
       (SELECT CAST(%(starts)s AS timestamptz), least(%(starts)s + interval '1 month', now())) AS month (starts, ends)
"""
_ATTACH: Final = """
ALTER TABLE mcp_logs ATTACH PARTITION partitions.{name}
    FOR VALUES FROM ('{starts}') TO (CAST('{starts}' AS timestamptz) + interval '1 month');
"""
_HEALTH: Final = """
SELECT h.partitions, (SELECT count(*) FROM maintenance.missing_partitions() m WHERE m.table_name = h.table_name),
       (SELECT count(*) FROM mcp_logs)
  FROM maintenance.partition_health h WHERE h.table_name = 'mcp_logs'
"""
_SINCE: Final = "SELECT count(*) FROM mcp_logs WHERE timestamp >= %s"


@dataclass(frozen=True)
class Side:
    """A database with so many months of lines, and the pool that brings more."""

    pool: Pool
    instances: Sequence[UUID]
    partitions: int

    def rate(self, count: int) -> float:
        """Have so many messages wait and give the rows per second; nothing that was there goes."""
        since = datetime.now(UTC)
        seconds = self.pool.drain(batches(self.instances, count, LINES))
        ((rows,),) = self.pool.stage.sql.execute(_SINCE, [since]).fetchall()
        if rows != count * LINES:
            raise ValueError(f"of {count} messages {rows} rows are stored")
        return int(rows) / seconds


@figure(
    target=at_least(0.9),
    compares=f"LogsEmitted, {LINES} lines of about 200 bytes each, waiting in Redis: {PROCESSES} warm processes"
    f" `python -m workers --threads {THREADS}`, as ingest_vs_copy, where mcp_logs has {MONTHS} monthly partitions of"
    f" {LONG:,} lines each, the last of them this month's, against the same where only this month's has; both have the"
    " empty ones of the calendar; rows per second until all is committed and acknowledged",
)
def ingest_24_months_vs_1(stage: Stage) -> Iterator[Repetition]:
    """Compare two databases of one server, each with a pool of its own."""
    with ExitStack() as open_:
        many, one = (open_.enter_context(_side(stage, months)) for months in (MONTHS, 1))
        stage.sql.execute("CHECKPOINT")
        count = stage.count(250)
        for side in (many, one):
            side.rate(stage.count(100))
        sides = {
            "left": ("months_24_per_s", lambda: many.rate(count)),
            "right": ("month_1_per_s", lambda: one.rate(count)),
        }
        for repetition in in_turn(stage.repetitions(_REPETITIONS), **sides):
            yield {**repetition, "partitions_24": many.partitions, "partitions_1": one.partitions}


@contextmanager
def _side(stage: Stage, months: int) -> Iterator[Side]:
    with stage.beside() as beside:
        instances = made_instances(beside)
        _fill(beside, months)
        with warm_pool(beside) as pool:
            ((partitions, missing, rows),) = beside.sql.execute(_HEALTH).fetchall()
            if missing or rows != months * stage.rows(LONG):
                raise ValueError(f"{missing} partitions are missing, and there are {rows} rows")
            yield Side(pool, instances, int(partitions))


def _fill(stage: Stage, months: int) -> None:
    """Have so many months of lines up to now, in partitions as the calendar makes them."""
    stage.sql.execute(_KEEP)
    starts = [start for (start,) in stage.sql.execute(_STARTS, [months]).fetchall()]
    for (drop,) in stage.sql.execute(_EMPTY, [starts[0]]).fetchall():
        stage.sql.execute(drop.encode())
    with ThreadPoolExecutor(FILLERS) as threads:
        list(threads.map(partial(_fill_month, stage), starts))


def _fill_month(stage: Stage, starts: datetime) -> None:
    options = "-c timezone=UTC -c maintenance_work_mem=512MB -c synchronous_commit=off"
    names = {"name": f"mcp_logs_y{starts:%Y}m{starts:%m}", "starts": f"{starts:%Y-%m-%d}", "instances": INSTANCES}
    with psycopg.connect(stage.database.admin_url, autocommit=True, options=options) as connection:
        connection.execute(_MONTH.format(**names).encode())
        connection.execute(_FILL.format(**names).encode(), {"rows": stage.rows(LONG), "starts": starts})
        connection.execute(_ATTACH.format(**names).encode())
