"""The Redis side of the bus, as a producer sees it.

A message is an entry of the hash ``dramatiq:<queue>.msgs`` and its id in the list
``dramatiq:<queue>``: the layout of Dramatiq's own Redis broker.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError
from redis.retry import Retry

from .envelope import NAMESPACE
from .errors import BrokerFull, BrokerUnavailable, NotDurable, ProducerError

DURABLE_TIMEOUT_MS: Final = 2_000
_SLICE: Final = 5_000

Sealed = tuple[str, str, bytes]
"""A queue's name, a message id and an envelope."""


class Transport(Protocol):
    """Carries sealed messages to the bus."""

    def enqueue(self, sealed: Sequence[Sealed], *, durable: bool) -> None:
        """Put all messages on their queues, or raise a ``ProducerError``."""

    def close(self) -> None:
        """Give back the connections."""


def redis_client(url: str, *, connections: int = 100) -> "redis.Redis[bytes]":
    """Make a client that never repeats a command by itself.

    A command whose reply was lost may have been carried out; repeating it blindly is how one
    message becomes two.  Whoever sent it knows whether it may be repeated.
    """
    try:
        return redis.Redis.from_url(
            url,
            max_connections=connections,
            socket_timeout=5,
            socket_connect_timeout=3,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        message = f"REDIS_URL is not usable: {error}"
        raise ProducerError(message) from None


def address(url: str) -> str:
    """Give the host and port of a URL: what may be shown of it, since the rest may hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


class RedisTransport:
    """Enqueues in one transaction and one round trip, however many messages there are."""

    def __init__(self, url: str, *, attempts: int = 3) -> None:
        self._client = redis_client(url)
        self._address = address(url)
        self._attempts = attempts

    def enqueue(self, sealed: Sequence[Sealed], *, durable: bool) -> None:
        """Put all messages on their queues; a message that is sent again keeps its id and its place."""
        for start in range(0, len(sealed), _SLICE):
            replies = self._exchange(_commands(sealed[start : start + _SLICE], durable=durable))
            _check(replies, durable=durable)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _exchange(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        for attempt in range(1, self._attempts + 1):
            try:
                with self._client.pipeline(transaction=False) as pipeline:
                    for command in commands:
                        pipeline.execute_command(*command)
                    return pipeline.execute(raise_on_error=False)
            except RedisError as error:
                if attempt == self._attempts:
                    message = f"Redis at {self._address} cannot be reached ({error}): check REDIS_URL and the server"
                    raise BrokerUnavailable(message) from error
        raise AssertionError


def _commands(sealed: Iterable[Sealed], *, durable: bool) -> list[tuple[Any, ...]]:
    by_queue: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for queue, message_id, envelope in sealed:
        by_queue[queue].append((message_id, envelope))
    commands: list[tuple[Any, ...]] = [("MULTI",)]
    for queue, entries in by_queue.items():
        key = f"{NAMESPACE}:{queue}"
        commands.append(("HSET", f"{key}.msgs", *(item for entry in entries for item in entry)))
        commands.append(("RPUSH", key, *(message_id for message_id, _ in entries)))
    commands.append(("EXEC",))
    if durable:
        commands.append(("WAITAOF", 1, 0, DURABLE_TIMEOUT_MS))
    return commands


def _check(replies: Sequence[Any], *, durable: bool) -> None:
    for reply in replies:
        if isinstance(reply, OutOfMemoryError):
            message = "Redis has reached its memory limit: start more workers or raise maxmemory, then send again"
            raise BrokerFull(message) from reply
    acknowledged = replies[-1] if durable else None
    for reply in replies[:-1] if durable else replies:
        if isinstance(reply, Exception):
            message = f"Redis refused the message: {reply}"
            raise BrokerUnavailable(message) from reply
    if durable and not (isinstance(acknowledged, list) and acknowledged[0]):
        message = "the message is on the bus, but not known to be on disk: Redis needs appendonly yes"
        raise NotDurable(message)
