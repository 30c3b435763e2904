"""Messages that wait in Redis until a pool goes on, in tables that keep what they hold."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

from producers import Message

from .ingest import Pool
from .stage import until

_APPLIED: Final = b"SELECT count(*) FROM inbox WHERE message_id = ANY (%s)"


def drained(pool: Pool, messages: Sequence[Message]) -> float:
    """Have messages of one queue wait, let the pool go on, and give the seconds until all are acknowledged."""
    stage, queue = pool.stage, f"dramatiq:{messages[0].queue.value}"
    with ExitStack() as standing:
        for process in pool.processes:
            standing.enter_context(process.stopped())
        stage.producer.send_many(messages)
    started = time.perf_counter()
    until(lambda: all(each.check() for each in pool.processes) and not stage.waiting([queue]), "draining", pause=0.005)
    seconds = time.perf_counter() - started
    ((applied,),) = stage.sql.execute(_APPLIED, [[each.message_id for each in messages]]).fetchall()
    if applied != len(messages):
        raise ValueError(f"of {len(messages)} messages {applied} were applied")
    return seconds
