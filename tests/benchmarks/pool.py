"""A pool of worker processes that stands still while messages come, so that all that is measured is the way in."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from producers import Message

from .processes import Running
from .stage import Stage, until
from .transactions import PROCESSES, THREADS

_APPLIED: Final = b"SELECT count(*) FROM inbox WHERE message_id = ANY (%s)"


@dataclass(frozen=True)
class Pool:
    """Worker processes that are up, warm and idle."""

    stage: Stage
    processes: Sequence[Running]

    def drain(self, messages: Sequence[Message]) -> float:
        """Have messages of one queue wait, let the pool go on, and give the seconds until all are acknowledged."""
        queue = f"dramatiq:{messages[0].queue.value}"
        with ExitStack() as standing:
            for process in self.processes:
                standing.enter_context(process.stopped())
            self.stage.producer.send_many(messages)
        started = time.perf_counter()
        until(lambda: self._is_idle(queue), "draining", pause=0.005)
        seconds = time.perf_counter() - started
        ((applied,),) = self.stage.sql.execute(_APPLIED, [[each.message_id for each in messages]]).fetchall()
        if applied != len(messages):
            raise ValueError(f"of {len(messages)} messages {applied} were applied")
        return seconds

    def _is_idle(self, queue: str) -> bool:
        return all(process.check() for process in self.processes) and not self.stage.waiting([queue])


@contextmanager
def warm_pool(stage: Stage, module: str = "workers") -> Iterator[Pool]:
    """Start the processes one by one, without a master, so that each can be stopped."""
    stage.redis.flushall()
    program = stage.workers("--threads", str(THREADS), module=module)
    with ExitStack() as running:
        processes = [running.enter_context(program.running()) for _ in range(PROCESSES)]
        until(lambda: all(each.check() for each in processes) and stage.living_workers() == PROCESSES, "starting")
        yield Pool(stage, processes)
