"""The composition root: everything that a worker process is made of, and the order of its end."""

import logging
import queue
import threading
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from itertools import chain
from typing import Final

import dramatiq
from dramatiq.worker import Worker

from db import encryption, pepper
from db.engine import Database
from db.keeping import Vault
from producers import CheckHealth, HealthChecksDue
from producers.broker import RedisTransport, address, redis_client
from producers.preflight import check_redis
from producers.queues import Queue
from producers.sealing import Sealable

from .actor import AnyActor
from .actors import ACTORS
from .applier import HORIZON, Applier
from .archivist import Archivist
from .broker import UNKNOWN_ACTOR, HardenedBroker
from .group import GroupApplier
from .grouping import Grouping
from .heartbeat import Heartbeat
from .janitor import Janitor
from .probes.prober import Prober
from .relay import Relay
from .resources import Resources
from .rounds import Rounds
from .settings import WorkerSettings
from .transactor import Transactor

log: Final = logging.getLogger(__name__)

# An id near the end of what the inbox remembers must not outlive its row while it is applied.
_MARGIN: Final = timedelta(days=1)


class WorkerProcess:
    """One worker process: a broker, its actors, the threads that serve them, and how they stop."""

    def __init__(self, settings: WorkerSettings, actors: Collection[AnyActor] = ACTORS) -> None:
        self.stopping = threading.Event()
        self._drain = settings.drain
        self._database = Database(settings.database)
        vault = Vault(settings.master_keys, settings.key_pepper)
        wanted = None if settings.archives is None else threading.Event()
        self._resources = Resources(Prober(settings.probes), settings.sealing_keys, vault, wanted)
        self._client = redis_client(settings.redis_url)
        actors = _able(actors, settings.lacks_for_keys)
        by_wire_name = {actor.contract.wire_name: actor for actor in actors}
        shares = {name: actor.shares for name, actor in by_wire_name.items() if actor.shares}
        self.broker = HardenedBroker(
            self._client,
            # What is bulk never keeps more than half of the threads from the rest.
            windows={Queue.LOGS_BULK.value: max(1, settings.threads // 2)},
            grouping=Grouping(
                shares, settings.threads, {name for name, actor in by_wire_name.items() if actor.appends}
            ),
            # A probe waits for seconds: half of the threads stay free for messages that take milliseconds.
            slow={CheckHealth.wire_name},
            most_slow=max(1, settings.threads // 2),
        )
        self._applier = Applier(self._database, self._resources, by_wire_name, stopping=self.stopping)
        apply = GroupApplier(self._database, self._applier, by_wire_name, stopping=self.stopping)
        _declare(self.broker, apply, _chosen(actors, settings.queues))
        self._worker = Worker(self.broker, worker_threads=settings.threads, worker_timeout=1_000)
        self._heartbeat = Heartbeat(self.broker)
        transport = RedisTransport(settings.redis_url)
        self._janitor = Janitor(self.broker, self._database, transport, by_wire_name)
        self._relay = Relay(self.broker, self._database, transport)
        self._rounds = Rounds(self._database, self._resources.prober, host_id=settings.host_id)
        self._archivist = _archivist(self._database, settings, wanted)
        self._makes_rounds = any(actor.contract is HealthChecksDue for actor in _chosen(actors, settings.queues))

    def start(self) -> None:
        """Make the partitions that are missing, then begin to take messages."""
        transactions = Transactor(self._database)
        for problem in chain(*transactions.run(lambda uow: uow.partitions.ensure())[1:]):
            log.warning("a partition is missing: %s", problem)
        remembered = transactions.run(lambda uow: uow.inbox.horizon())
        self._applier.horizon = min(HORIZON, remembered - _MARGIN)
        self.broker.beat()
        self._heartbeat.start()
        self._janitor.start()
        self._relay.start()
        self._worker.start()
        if self._archivist is not None:
            self._archivist.start()
        if self._makes_rounds:
            self._rounds.start()

    def threads(self) -> list[threading.Thread]:
        """Give the threads without which this process must not live."""
        own: list[threading.Thread] = [self._heartbeat, self._janitor, self._relay, *self._resources.prober.threads()]
        if self._makes_rounds:
            own.append(self._rounds)
        if self._archivist is not None:
            own.append(self._archivist)
        return [*own, *self._worker.workers, *self._worker.consumers.values()]

    def stop(self) -> None:
        """Finish what is in hand, give back the rest, and leave."""
        self.stopping.set()
        self.broker.stopping.set()
        if self._makes_rounds:
            self._rounds.stop()
        self._relay.stop()
        self._give_back_waiting()
        if self._archivist is not None:
            self._archivist.stop()
        self._worker.stop(timeout=int(self._drain.total_seconds() * 1000))
        self._janitor.stop()
        self._heartbeat.stop()
        self.broker.leave()
        self._resources.close()
        self._database.close()
        self._client.close()

    def _give_back_waiting(self) -> None:
        # Dramatiq would keep these until the slowest actor ends; others can begin them now.
        waiting = self._worker.work_queue
        with suppress(queue.Empty):
            while True:
                message = waiting.get_nowait().message
                self._worker.consumers[message.queue_name].requeue_messages([message])


def check(settings: WorkerSettings) -> None:
    """Raise with a sentence when the database or Redis must not be worked with."""
    with closing(Database(settings.database)) as database:
        database.check()
        encryption.verify(settings.master_keys, database)
        pepper.verify(settings.key_pepper, database)
    with closing(redis_client(settings.redis_url)) as client:
        for doubt in check_redis(client, address(settings.redis_url)):
            log.warning(doubt)


@contextmanager
def running(settings: WorkerSettings, actors: Collection[AnyActor] = ACTORS) -> Iterator[WorkerProcess]:
    """Start and in the end stop a worker process."""
    process = WorkerProcess(settings, actors)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def _archivist(database: Database, settings: WorkerSettings, wanted: threading.Event | None) -> Archivist | None:
    if settings.archives is None or wanted is None:
        return None
    return Archivist(database, settings.archives, wanted)


def _declare(broker: HardenedBroker, apply: GroupApplier, actors: Collection[AnyActor]) -> None:
    queues = {actor.contract.wire_name: actor.contract.queue.value for actor in actors}
    for wire_name, name in {**queues, UNKNOWN_ACTOR: next(iter(queues.values()))}.items():
        dramatiq.actor(broker=broker, actor_name=wire_name, queue_name=name)(apply)
    for bulk in {actor.contract.bulk_queue for actor in actors} - {None}:
        broker.declare_queue(bulk.value)


def _chosen(actors: Collection[AnyActor], queues: Collection[str]) -> list[AnyActor]:
    chosen = [actor for actor in actors if not queues or actor.contract.queue.value in queues]
    if not chosen:
        names = ", ".join(sorted({actor.contract.queue.value for actor in actors}))
        message = f"no actor works on {', '.join(sorted(queues))}: the queues are {names}"
        raise ValueError(message)
    return chosen


def _able(actors: Collection[AnyActor], lacking: Collection[str]) -> Collection[AnyActor]:
    """Leave out what this process could only fail at: its messages are parked until a worker can apply them."""
    if not lacking:
        return actors
    log.warning("messages that may carry keys are parked until a worker has %s", " and ".join(lacking))
    return [actor for actor in actors if not issubclass(actor.contract, Sealable)]
