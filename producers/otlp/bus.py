"""Looks at Redis for whoever asks whether the receiver is well."""

from typing import Any, Final

from redis.exceptions import RedisError

from ..broker import address, redis_client
from ..envelope import NAMESPACE
from ..queues import Queue
from .refusals import BusAway

_QUEUES: Final = (Queue.LOGS, Queue.LOGS_BULK)

# A connection that broke while nobody used it shows only when it is used again.
_ATTEMPTS: Final = 2


class Bus:
    """Tells how many messages of lines wait in Redis."""

    def __init__(self, url: str) -> None:
        self._client: Any = redis_client(url, connections=4)  # redis-py types what a client answers as almost anything
        self._address = address(url)

    def waiting(self) -> dict[str, int]:
        """Give how many messages wait or are in hand, by queue; raise ``BusAway``."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return {queue.value: self._client.hlen(f"{NAMESPACE}:{queue.value}.msgs") for queue in _QUEUES}
            except (RedisError, OSError, UnicodeError) as error:
                if attempt == _ATTEMPTS:
                    message = f"Redis at {self._address} cannot be reached: {error}"
                    raise BusAway(message) from error
        raise AssertionError

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
