"""Whether a quiet instance waits for a noisy one."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from random import uniform
from statistics import median, quantiles
from typing import Final
from uuid import UUID

from producers import LogLine, LogsEmitted

from .figures import Repetition, at_most, figure
from .ingest import NEW_INSTANCES
from .stage import Stage, until
from .transactions import THREADS

LINES: Final = 5
EACH_SECONDS: Final = 0.05
TIMES_AS_MANY: Final = 100
SECONDS: Final = 24.0

_APPLIED: Final = b"SELECT count(*) FROM inbox WHERE message_id = %s"


@figure(
    target=at_most(2),
    compares=f"the 99th percentile of the time from sending to seeing the rows, of {LINES} lines about each"
    f" {EACH_SECONDS * 1000:.0f} ms of one instance, while another sends {TIMES_AS_MANY} times as many lines in batches"
    f" of 500 and has used up its share, against the same alone, in turn, on a log whose segments are used again; one"
    f" process `python -m workers --threads {THREADS}`",
)
def quiet_p99_vs_alone(stage: Stage) -> Iterator[Repetition]:
    """Measure the quiet instance alone and beside the noisy one."""
    quiet, noisy = (instance_id for (instance_id,) in stage.sql.execute(NEW_INSTANCES, [2]).fetchall())
    per_second = LINES / EACH_SECONDS * TIMES_AS_MANY
    noise = stage.program("tests.benchmarks.programs.noisy", stage.valkey.url, str(noisy), str(per_second))
    stage.wear_in()
    with stage.workers("--threads", str(THREADS)).running() as worker:
        until(lambda: worker.check() and stage.living_workers() == 1, "starting the worker")
        _latencies(stage, quiet, 2.0)
        for _ in range(stage.repetitions(5)):
            alone = _latencies(stage, quiet, stage.seconds(SECONDS))
            with ExitStack() as running:
                running.enter_context(noise.running())
                # Its share is used up after a while, as for everybody who goes on for longer.
                time.sleep(stage.seconds(6))
                beside = _latencies(stage, quiet, stage.seconds(SECONDS))
            until(lambda: not stage.waiting(["dramatiq:logs", "dramatiq:logs_bulk"]), "draining")
            stage.sql.execute("TRUNCATE mcp_logs")
            told = {"alone_p99_ms": _p99(alone) * 1000, "beside_p99_ms": _p99(beside) * 1000}
            medians = {"alone_median_ms": median(alone) * 1000, "beside_median_ms": median(beside) * 1000}
            yield {"value": _p99(beside) / _p99(alone), **told, **medians}


def _latencies(stage: Stage, instance: UUID, seconds: float) -> list[float]:
    end = time.monotonic() + seconds
    found = list[float]()
    while time.monotonic() < end:
        found.append(_latency(stage, instance))
        # In step with the noise, a whole repetition would meet all of its batches, or none.
        time.sleep(max(0.0, EACH_SECONDS * uniform(0.5, 1.5) - found[-1]))
    return found


def _latency(stage: Stage, instance: UUID) -> float:
    now = datetime.now(UTC)
    lines = [LogLine(instance_id=instance, timestamp=now, message="listening on port 3001") for _ in range(LINES)]
    message = LogsEmitted(lines=lines)
    began = time.perf_counter()
    stage.producer.send(message)
    until(lambda: stage.sql.execute(_APPLIED, [message.message_id]).fetchall() == [(1,)], "applying", pause=0.001)
    return time.perf_counter() - began


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]
