"""One worker process with our broker and an actor that does nothing: ``THREADS FOLDER``."""

import os
import sys
from pathlib import Path

import dramatiq
from dramatiq.worker import Worker

from process.signals import stop_event
from producers import InstanceStarted
from producers.broker import redis_client
from workers.broker import UNKNOWN_ACTOR, HardenedBroker
from workers.delivery import Delivery
from workers.heartbeat import Heartbeat

from .stamps import Stamps


def main(threads: int, folder: Path) -> None:
    """Work until SIGTERM, then leave the span of what was executed."""
    stop = stop_event()
    stamps = Stamps()

    def execute(delivery: Delivery) -> None:
        del delivery
        stamps.note()

    client = redis_client(os.environ["REDIS_URL"])
    broker = HardenedBroker(client)
    for name in (InstanceStarted.wire_name, UNKNOWN_ACTOR):
        dramatiq.actor(broker=broker, actor_name=name, queue_name=InstanceStarted.queue.value)(execute)
    worker = Worker(broker, worker_threads=threads)
    heartbeat = Heartbeat(broker)
    broker.beat()
    heartbeat.start()
    worker.start()
    stop.wait()
    worker.stop(timeout=5_000)
    heartbeat.stop()
    broker.leave()
    stamps.write(folder / f"{os.getpid()}.span")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
