"""Messages that are applied by real worker processes, against transactions of pgbench."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final

from producers import CreateInstance

from . import pgbench
from .comparison import in_turn
from .facts import ACCESSED, HEALTH_REPORTED, STATS_REPORTED, USED
from .figures import Repetition, at_least, figure
from .lifecycle import CREATED, STARTED, Batch, Kind
from .plain import PLAIN, enqueue_plain
from .processes import Program, Running
from .stage import Stage, until

PROCESSES: Final = 2
THREADS: Final = 4
CONNECTIONS: Final = PROCESSES * THREADS
QUEUE: Final = "dramatiq:instances"

# Short and many, because another process on the machine shall not meet one side only.
_REPETITIONS: Final = 9

_WORKERS: Final = f"{PROCESSES} processes `python -m workers --threads {THREADS}` from Redis to commit"
_PGBENCH: Final = (
    f"against pgbench with the repositories' statements, prepared, over {CONNECTIONS} connections and in a"
    " transaction for each message; messages per second from the first to the last, by the times in the inbox rows"
)
_SLOW_DISK: Final = "on an emulated slow disk: every flush of PostgreSQL's log takes 2 ms more (commit_delay)"
_GROUPS: Final = "as they ship: messages that are fetched together share a transaction and one statement to claim them"


@figure(
    target=at_least(0.7),
    compares="InstanceStarted, the lightest transaction, so it flatters least (inbox row, then the move to running and"
    f" its event): {_WORKERS}, {_GROUPS}; {_PGBENCH}",
)
def transaction_vs_pgbench(stage: Stage) -> Iterator[Repetition]:
    """Compare the workers with what the database can do."""
    return _against_pgbench(stage, STARTED, stage.count(3_000), "workers")


@figure(
    compares="InstanceStarted, as transaction_vs_pgbench but with a transaction for each message on both sides:"
    f" {_WORKERS}; {_PGBENCH}",
)
def lone_transaction_vs_pgbench(stage: Stage) -> Iterator[Repetition]:
    """Show what a message costs that shares nothing."""
    return _against_pgbench(stage, STARTED, stage.count(3_000), "tests.benchmarks.programs.workers_alone")


@figure(
    target=at_least(1),
    compares="CreateInstance, the heaviest one (inbox row, then limit, lease of a port, instance and event):"
    f" {_WORKERS}, {_GROUPS}, and neighbours of one kind the statement that applies them; {_PGBENCH}",
)
def create_vs_pgbench(stage: Stage) -> Iterator[Repetition]:
    """Compare the workers with what the database can do on a message with much to do."""
    return _against_pgbench(stage, CREATED, stage.count(6_000), "workers")


@figure(
    target=at_least(3),
    compares="InstanceAccessed, a fact of which only the newest counts, each about another instance (inbox row, then"
    f" the time of access): {_WORKERS}, {_GROUPS} and one to apply them; {_PGBENCH}",
)
def facts_vs_pgbench(stage: Stage) -> Iterator[Repetition]:
    """Compare the workers with what the database can do, on facts that are applied as a set."""
    return _against_pgbench(stage, ACCESSED, stage.count(6_000), "workers")


@figure(
    target=at_least(3),
    compares="InstanceStatsReported, each about another instance (inbox row, then the statistics):"
    f" {_WORKERS}, {_GROUPS} and one to apply them; {_PGBENCH}",
)
def stats_vs_pgbench(stage: Stage) -> Iterator[Repetition]:
    """Compare the same with statistics."""
    return _against_pgbench(stage, STATS_REPORTED, stage.count(6_000), "workers")


@figure(
    target=at_least(3),
    compares="ServiceUsed with one call each, of another share (inbox row, then the lock of the share, the row of the"
    f" call and the count): {_WORKERS}, {_GROUPS} and two to apply them; {_PGBENCH}",
)
def usage_vs_pgbench(stage: Stage) -> Iterator[Repetition]:
    """Compare the same with calls of shared services."""
    return _against_pgbench(stage, USED, stage.count(6_000), "workers")


@figure(
    target=at_least(3),
    compares="HealthReported with one check each, of another instance (inbox row, then the target, the locks of the"
    " instance and it, the slot with its hour and what follows from it):"
    f" {_WORKERS}, {_GROUPS} and seven to apply them; {_PGBENCH}",
)
def health_vs_pgbench(stage: Stage) -> Iterator[Repetition]:
    """Compare the same with what others found when they checked servers."""
    return _against_pgbench(stage, HEALTH_REPORTED, stage.count(6_000), "workers")


@figure(
    target=at_least(3),
    compares=f"CreateInstance: {_WORKERS}, {_GROUPS}; against Dramatiq's RedisBroker with its defaults under its own"
    f" command line, {PROCESSES} processes of {THREADS} threads, with the same actor in a transaction for each message;"
    " messages per second from the first to the last, by the times in the inbox rows",
)
def create_vs_dramatiq(stage: Stage) -> Iterator[Repetition]:
    """Compare with what the same actor does on the plain bus."""
    count = stage.count(4_000)
    ours = [stage.workers("--threads", str(THREADS))] * PROCESSES
    command = ("dramatiq", "tests.benchmarks.programs.create_dramatiq:broker", "-p", str(PROCESSES), "-t", str(THREADS))
    theirs = [stage.program(*command).with_environment(DATABASE_URL=stage.database.worker_url)]

    def minimcp() -> float:
        batch = Batch.prepare(stage, CREATED, count)
        stage.producer.send_many(batch.messages())
        return _drained(stage, ours, QUEUE, batch)

    def plain() -> float:
        batch = Batch.prepare(stage, CREATED, count)
        enqueue_plain(stage, batch.messages())
        return _drained(stage, theirs, f"{PLAIN}:{CreateInstance.queue.value}", batch)

    yield from in_turn(stage.repetitions(5), left=("minimcp_per_s", minimcp), right=("dramatiq_per_s", plain))


@figure(compares=f"{create_vs_pgbench.name} {_SLOW_DISK}")
def create_vs_pgbench_slow_disk(stage: Stage) -> Iterator[Repetition]:
    """Show what sharing a transaction is worth where each costs a wait."""
    with stage.slow_disk():
        yield from create_vs_pgbench.measure(stage)


@figure(compares=f"{create_vs_dramatiq.name} {_SLOW_DISK}")
def create_vs_dramatiq_slow_disk(stage: Stage) -> Iterator[Repetition]:
    """Show the same against the plain bus."""
    with stage.slow_disk():
        yield from create_vs_dramatiq.measure(stage)


@figure(compares=f"{facts_vs_pgbench.name} {_SLOW_DISK}")
def facts_vs_pgbench_slow_disk(stage: Stage) -> Iterator[Repetition]:
    """Show the same for facts."""
    with stage.slow_disk():
        yield from facts_vs_pgbench.measure(stage)


def _drained(stage: Stage, programs: Sequence[Program], queue: str, batch: Batch) -> float:
    """Run programs until a queue is empty and give the messages per second."""
    with ExitStack() as running:
        processes = [running.enter_context(program.running()) for program in programs]
        until(lambda: all(each.check() for each in processes) and not stage.waiting([queue]), f"draining {queue}")
    return batch.rate(stage)


@figure(
    compares=f"InstanceStarted: two processes `python -m workers --threads {THREADS}` against one of them while the"
    " other is stopped; messages per second from the first to the last, by the times in the inbox rows",
)
def two_processes_vs_one(stage: Stage) -> Iterator[Repetition]:
    """Compare pools of two sizes."""
    with _pool(stage, "workers") as pool:

        def two() -> float:
            return pool.rate(STARTED, stage.count(3_000))

        def one() -> float:
            with pool.processes[0].stopped():
                return pool.rate(STARTED, stage.count(3_000))

        yield from in_turn(stage.repetitions(_REPETITIONS), left=("two_per_s", two), right=("one_per_s", one))


def _against_pgbench(stage: Stage, kind: Kind, count: int, module: str) -> Iterator[Repetition]:
    count -= count % CONNECTIONS
    # The pool stays while pgbench works: what it costs when idle is another figure.
    with _pool(stage, module) as pool:

        def workers() -> float:
            return pool.rate(kind, count)

        def alone() -> float:
            return pgbench.run(stage, Batch.prepare(stage, kind, count), CONNECTIONS)

        workers()  # the first messages of a connection are not prepared yet
        repetitions = stage.repetitions(_REPETITIONS)
        yield from in_turn(repetitions, left=("workers_per_s", workers), right=("pgbench_per_s", alone))


@dataclass(frozen=True)
class _Pool:
    """Worker processes that are up and idle."""

    stage: Stage
    processes: list[Running]

    def rate(self, kind: Kind, count: int) -> float:
        """Apply a batch and give the messages per second."""
        batch = Batch.prepare(self.stage, kind, count)
        self.stage.producer.send_many(batch.messages())
        queue = f"dramatiq:{kind.contract.queue.value}"
        until(lambda: self._is_idle(queue), "applying the messages")
        return batch.rate(self.stage)

    def _is_idle(self, queue: str) -> bool:
        return all(process.check() for process in self.processes) and not self.stage.waiting([queue])


@contextmanager
def _pool(stage: Stage, module: str) -> Iterator[_Pool]:
    """Start the processes one by one, without a master, so that each can be stopped."""
    stage.redis.flushall()
    program = stage.workers("--threads", str(THREADS), module=module)
    with ExitStack() as running:
        processes = [running.enter_context(program.running()) for _ in range(PROCESSES)]
        until(lambda: all(each.check() for each in processes) and stage.living_workers() == PROCESSES, "starting")
        yield _Pool(stage, processes)
