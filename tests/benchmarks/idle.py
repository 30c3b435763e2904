"""What an idle system costs, and how soon it wakes up."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from .figures import Repetition, at_most, figure
from .lifecycle import STARTED, Batch
from .stage import Stage, until
from .statistics import percentile
from .transactions import QUEUE

_SETTLING_SECONDS: Final = 3.0
_PICKUP: Final = b"""
SELECT message_id, extract(epoch FROM created_at) FROM inbox WHERE message_id BETWEEN %s AND %s
"""


@figure(
    target=at_most(10),
    unit="ms",
    compares="99th percentile of the time from before Producer.send to the start of the message's transaction"
    " (InstanceStarted, inbox.created_at) in one idle process `python -m workers`; 250 messages, 20 to 80 ms apart",
)
def idle_pickup_p99_ms(stage: Stage) -> Iterator[Repetition]:
    """Send single messages to an idle worker."""
    stage.redis.flushall()
    with stage.workers().running() as worker:
        until(lambda: worker.check() and stage.living_workers() == 1, "starting the worker")
        _picked_up(stage, 20)  # the connections are made and the statements prepared
        for _ in range(stage.repetitions(5)):
            delays = _picked_up(stage, stage.count(250))
            yield {
                "value": percentile(delays, 99),
                "median_ms": percentile(delays, 50),
                "p95_ms": percentile(delays, 95),
                "max_ms": max(delays),
            }


@figure(
    target=at_most(1),
    unit="%",
    compares="CPU time (user and system, all threads, /proc) of one process `python -m workers` with nothing to do over"
    " 20 s, or of one `python -m scheduler`, whichever is more; percent of one core",
)
def idle_cpu_percent(stage: Stage) -> Iterator[Repetition]:
    """Watch idle processes."""
    stage.redis.flushall()
    seconds = stage.seconds(20)
    with ExitStack() as running:
        worker = running.enter_context(stage.workers().running())
        scheduler = running.enter_context(stage.program("scheduler").running())
        until(lambda: worker.check() and stage.living_workers() == 1, "starting the worker")
        for _ in range(stage.repetitions(3)):
            time.sleep(stage.seconds(_SETTLING_SECONDS))
            before = worker.cpu_seconds(), scheduler.cpu_seconds()
            started = time.monotonic()
            time.sleep(seconds)
            elapsed = time.monotonic() - started
            after = worker.cpu_seconds(), scheduler.cpu_seconds()
            works, ticks = ((late - early) / elapsed * 100 for early, late in zip(before, after, strict=True))
            yield {"value": max(works, ticks), "worker": works, "scheduler": ticks}


def _picked_up(stage: Stage, count: int) -> list[float]:
    """Send messages one by one and give the milliseconds that each waited."""
    batch = Batch.prepare(stage, STARTED, count)
    sent = {}
    for message in batch.messages():
        time.sleep(random.uniform(0.02, 0.08))
        # Both clocks are this machine's, and the client's own time counts too.
        sent[message.message_id] = time.time()
        stage.producer.send(message)
    until(lambda: not stage.waiting([QUEUE]), "applying the messages")
    batch.rate(stage)
    rows = stage.sql.execute(_PICKUP, batch.bounds).fetchall()
    return [(float(started) - sent[message_id]) * 1000 for message_id, started in rows]
