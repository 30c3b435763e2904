"""A module for Dramatiq's own command line: its defaults, and an actor that does nothing."""

import os
from pathlib import Path

import dramatiq
from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.worker import Worker

from .stamps import Stamps

NAMESPACE = "plain"
QUEUE = "instances"
stamps = Stamps()


class Leave(dramatiq.Middleware):
    """Leaves the span of what this process executed when it ends."""

    def after_worker_shutdown(self, broker: Broker, worker: Worker) -> None:
        """Write the span to the folder that the benchmark reads."""
        del broker, worker
        stamps.write(Path(os.environ["SPANS"]) / f"{os.getpid()}.span")


broker = RedisBroker(url=os.environ["REDIS_URL"], namespace=NAMESPACE)  # type: ignore[no-untyped-call]  # Dramatiq does not type it
broker.add_middleware(Leave())


@dramatiq.actor(broker=broker, queue_name=QUEUE)
def execute(payload: dict[str, object], message_id: str) -> None:
    """Do nothing with the payload."""
    del payload, message_id
    stamps.note()
