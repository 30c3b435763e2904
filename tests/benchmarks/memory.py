"""Whether a worker keeps anything of what went through it."""

from collections.abc import Iterator
from typing import Final

from .figures import Repetition, at_most, figure
from .ingest import LINES, batches, ingested, made_instances
from .pool import warm_pool
from .stage import Stage
from .transactions import PROCESSES, THREADS

PORTION: Final = 500_000
PORTIONS: Final = 10


@figure(
    target=at_most(1.1),
    compares=f"resident memory of a process `python -m workers --threads {THREADS}`, {PROCESSES} of them, when"
    f" {PORTION * PORTIONS:,} lines of about 200 bytes went through them, {LINES} in a LogsEmitted, against the same"
    f" after the first {PORTION:,}, by when every thread has had batches of all sizes; who kept 7 bytes of each"
    " line would miss it; a repetition is a process",
)
def ingest_memory_growth(stage: Stage) -> Iterator[Repetition]:
    """Look at the processes between portions."""
    instances = made_instances(stage)
    told = list[list[float]]()
    with warm_pool(stage) as pool:
        for _ in range(max(2, stage.repetitions(PORTIONS))):
            ingested(pool, batches(instances, stage.count(PORTION // LINES), LINES))
            told.append([process.memory_mb() for process in pool.processes])
    for resident in zip(*told, strict=True):
        half = resident[len(resident) // 2 - 1]
        sizes = {"first_mb": resident[0], "half_mb": half, "last_mb": resident[-1], "most_mb": max(resident)}
        yield {"value": resident[-1] / resident[0], **sizes}
