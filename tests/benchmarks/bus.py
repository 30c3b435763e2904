"""The bus alone: what enqueuing costs, and what carrying a message costs a worker."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from uuid import uuid4

from producers import CreateInstance
from producers import message_id as ids

from .comparison import in_turn
from .figures import Repetition, at_least, figure
from .plain import PLAIN, enqueue_plain, plain_broker, plain_message
from .processes import Program
from .programs.stamps import Span
from .stage import Stage, until

QUEUE: Final = CreateInstance.queue.value
PROCESSES: Final = 2
THREADS: Final = 4


@figure(
    target=at_least(3),
    compares="Producer.send_many of 5,000 CreateInstance of 1 KB, against a loop of broker.enqueue over the same"
    " payloads with Dramatiq's RedisBroker and its default middleware; messages per second of one thread",
)
def enqueue_bulk_vs_loop(stage: Stage) -> Iterator[Repetition]:
    """Compare the ways to put many messages on the bus."""
    messages = [_message() for _ in range(stage.count(5_000))]
    broker = plain_broker(stage)
    plain = [plain_message(message) for message in messages]

    def bulk() -> float:
        started = time.perf_counter()
        stage.producer.send_many(messages)
        return len(messages) / (time.perf_counter() - started)

    def loop() -> float:
        started = time.perf_counter()
        for message in plain:
            broker.enqueue(message)
        return len(plain) / (time.perf_counter() - started)

    for repetition in in_turn(stage.repetitions(7), left=("send_many_per_s", bulk), right=("enqueue_per_s", loop)):
        stage.redis.flushall()
        yield repetition


@figure(
    target=at_least(5),
    compares=f"our broker and consumer under Dramatiq's Worker, against Dramatiq's RedisBroker with its defaults under"
    f" its own command line; {PROCESSES} processes of {THREADS} threads each, an actor that does nothing, messages of"
    " 1 KB waiting in Redis; messages per second from the first to the last executed",
)
def noop_vs_dramatiq(stage: Stage) -> Iterator[Repetition]:
    """Compare what carrying a message costs."""
    # Each side works for about two seconds.
    many, few = stage.count(40_000), stage.count(4_000)
    ours = stage.program("tests.benchmarks.programs.noop_minimcp", str(THREADS))
    command = ("dramatiq", "tests.benchmarks.programs.noop_dramatiq:broker", "-p", str(PROCESSES), "-t", str(THREADS))
    theirs = stage.program(*command)

    def minimcp() -> float:
        stage.producer.send_many(_message() for _ in range(many))
        folder = Path(mkdtemp(dir=stage.folder))
        return _drained(stage, [ours.with_arguments(str(folder))] * PROCESSES, f"dramatiq:{QUEUE}", many, folder)

    def plain() -> float:
        enqueue_plain(stage, (_message() for _ in range(few)))
        folder = Path(mkdtemp(dir=stage.folder))
        return _drained(stage, [theirs.with_environment(SPANS=str(folder))], f"{PLAIN}:{QUEUE}", few, folder)

    for repetition in in_turn(stage.repetitions(5), left=("minimcp_per_s", minimcp), right=("dramatiq_per_s", plain)):
        stage.redis.flushall()
        yield repetition


def _drained(stage: Stage, programs: list[Program], queue: str, count: int, folder: Path) -> float:
    """Run programs until a queue is empty and give the rate that they noted."""
    with ExitStack() as running:
        processes = [running.enter_context(program.running()) for program in programs]
        until(lambda: all(each.check() for each in processes) and not stage.waiting([queue]), f"draining {queue}")
    span = Span.over(folder.glob("*.span"))
    if span.count != count:
        raise ValueError(f"{span.count} messages were executed of {count} that were sent")
    return span.rate


def _message() -> CreateInstance:
    return CreateInstance(
        instance_id=ids.new(),
        user_id=uuid4(),
        mcp_type="figma",
        duration_minutes=60,
        config={"note": "x" * 400},
        access_token_hash="0" * 64,
        access_token_hint="wxyz",
    )
