"""Says no while Redis is away or the workers are too far behind."""

import threading
import time
from typing import Any, Final

from redis.exceptions import RedisError

from ..broker import address, redis_client
from ..envelope import NAMESPACE
from ..queues import Queue
from .refusals import BacklogFull, BusAway

_GOOD_SECONDS: Final = 1.0


class Admission:
    """Counts the batches of lines that wait in Redis, at most once a second."""

    def __init__(self, url: str, *, most_waiting: int) -> None:
        self._client: Any = redis_client(url, connections=4)  # redis-py types what a client answers as almost anything
        self._address = address(url)
        self._most = most_waiting
        self._lock = threading.Lock()
        self._waiting = 0
        self._counted = float("-inf")

    def check(self) -> int:
        """Give how many messages wait; raise ``BusAway`` or ``BacklogFull``."""
        with self._lock:
            if time.monotonic() - self._counted > _GOOD_SECONDS:
                self._waiting = self._count()
                self._counted = time.monotonic()
        if self._waiting >= self._most:
            message = f"{self._waiting:,} batches of lines wait already, the limit is {self._most:,}: add workers"
            raise BacklogFull(message)
        return self._waiting

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _count(self) -> int:
        try:
            waiting: int = self._client.llen(f"{NAMESPACE}:{Queue.LOGS.value}")
        except (RedisError, OSError, UnicodeError) as error:
            message = f"Redis at {self._address} cannot be reached: {error}"
            raise BusAway(message) from error
        return waiting
