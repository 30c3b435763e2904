"""Messages applied in this process, so that each can be timed by itself."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from db.engine import Database
from db.keeping import Vault
from producers import Message
from producers.envelope import seal
from workers.actors import ACTORS
from workers.applier import Applier
from workers.delivery import Delivery
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings
from workers.resources import Resources
from workers.sealing import SealingKeys

from .stage import Stage


@contextmanager
def applying(stage: Stage, *, connections: int) -> Iterator[Applier]:
    """Have what a worker process applies its messages with, under the login of a worker."""
    actors = {actor.contract.wire_name: actor for actor in ACTORS}
    with closing(Database(stage.database.settings(connections=connections))) as database:
        resources = Resources(Prober(ProbeSettings()), SealingKeys.parse(""), Vault())
        try:
            yield Applier(database, resources, actors, stopping=threading.Event())
        finally:
            resources.close()


def seconds_of(applier: Applier, message: Message) -> float:
    """Apply a message as it comes from the bus and give how long it took, from its bytes to the commit."""
    delivery = Delivery.unpack(message.queue.value, str(message.message_id), seal(message), 0)
    began = time.perf_counter()
    applier(delivery)
    return time.perf_counter() - began
