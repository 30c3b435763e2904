"""Says that this worker is alive, whatever its other threads do, and reports what they have done."""

import logging
import threading
import time
from typing import Final

from redis.exceptions import RedisError

from .broker import HardenedBroker

log: Final = logging.getLogger(__name__)

PERIOD_SECONDS: Final = 1.0
_COALESCE_SECONDS: Final = 0.02


class Heartbeat(threading.Thread):
    """Beats each second, and tells Redis of settled messages when no fetch does it first."""

    def __init__(self, broker: HardenedBroker) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._broker = broker
        self._stopping = threading.Event()
        self._due = 0.0

    def run(self) -> None:
        """Beat until stopped."""
        while not self._stopping.is_set():
            self._broker.settled.wait(PERIOD_SECONDS)
            # A little later there is more to report, and most often a fetch has reported it.
            self._stopping.wait(_COALESCE_SECONDS)
            self.step()

    def step(self) -> None:
        """Beat if it is time, and report what is done; a Redis that is away is tried again."""
        try:
            # First, since reports on many queues may take longer than others wait for a sign of life.
            if time.monotonic() >= self._due:
                self._broker.beat()
                self._due = time.monotonic() + PERIOD_SECONDS
            self._broker.report_settled()
        except RedisError as error:
            log.debug("no heartbeat, Redis does not answer: %s", error)
            self._stopping.wait(PERIOD_SECONDS / 4)

    def stop(self) -> None:
        """End the thread after its present step."""
        self._stopping.set()
        self._broker.settled.set()
        self.join(5)
