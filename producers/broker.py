"""The Redis side of the bus, as a producer sees it.

A message is an entry of the hash ``dramatiq:<queue>.msgs`` and its id in the list
``dramatiq:<queue>``: the layout of Dramatiq's own Redis broker.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.exceptions import OutOfMemoryError, RedisError
from redis.retry import Retry

from .envelope import NAMESPACE
from .errors import BrokerFull, BrokerUnavailable, InvalidUrl, NotDurable, QueueFull

DURABLE_TIMEOUT_MS: Final = 2_000

MOST_WAITING: Final = 500_000
"""Messages of a queue, waiting or in hand, above which no more are sent."""

# One transaction keeps the single thread of Redis busy, and its requests are held in memory.
_MOST_MESSAGES: Final = 5_000
_MOST_BYTES: Final = 32 * 1_048_576

Sealed = tuple[str, str, bytes]
"""A queue's name, a message id and an envelope."""

Command = tuple[str | bytes | int, ...]


class Transport(Protocol):
    """Carries sealed messages to the bus."""

    def enqueue(self, sealed: Sequence[Sealed], *, durable: bool) -> None:
        """Put all messages on their queues, or raise a ``ProducerError``."""

    def close(self) -> None:
        """Give back the connections."""


def redis_client(url: str, *, connections: int = 100) -> redis.Redis:
    """Make a client that never repeats a command by itself; raise ``InvalidUrl`` at once, connect later.

    A command whose reply was lost may have been carried out; repeating it blindly is how one
    message becomes two.  Whoever sent it knows whether it may be repeated.
    """
    untyped: Any = redis.Redis  # redis-py does not type its options
    try:
        client: redis.Redis = untyped.from_url(
            url,
            max_connections=connections,
            socket_timeout=5,
            socket_connect_timeout=3,
            health_check_interval=30,
            retry=Retry(NoBackoff(), 0),
        )
        client.connection_pool.make_connection()
    except (ValueError, TypeError):
        # Their sentences quote the URL, and a password with a slash in it looks like a port.
        message = "REDIS_URL is not usable: write redis://[:password@]host[:port][/database], %-encode the password"
        raise InvalidUrl(message) from None
    return client


def address(url: str) -> str:
    """Give the host and port of a URL: what may be shown of it, since the rest may hold a password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


class RedisTransport:
    """Enqueues in one transaction and one round trip, however many messages there are."""

    def __init__(self, url: str, *, attempts: int = 3, most_waiting: int = MOST_WAITING) -> None:
        self._client: Any = redis_client(url)  # redis-py types what a client answers as almost anything
        self._address = address(url)
        self._attempts = attempts
        self._most_waiting = most_waiting
        self._waiting: dict[str, int] = {}

    def enqueue(self, sealed: Sequence[Sealed], *, durable: bool) -> None:
        """Put all messages on their queues; a message that is sent again keeps its id and its place."""
        for batch in _batches(sealed):
            queues = sorted({queue for queue, _, _ in batch})
            self._refuse_full(queues)
            replies = self._exchange([*_commands(batch, durable=durable), *_counting(queues)])
            self._note(queues, replies[-len(queues) :])
            _check(replies[: -len(queues)], durable=durable)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _refuse_full(self, queues: Sequence[str]) -> None:
        """Raise ``QueueFull`` for a queue that was full when something was sent last, and still is."""
        full = [queue for queue in queues if self._waiting.get(queue, 0) >= self._most_waiting]
        if not full:
            return
        self._note(full, self._exchange(list(_counting(full))))
        for queue in full:
            if (waiting := self._waiting[queue]) >= self._most_waiting:
                message = (
                    f"{waiting:,} messages wait in {queue}, the limit is {self._most_waiting:,}: start more workers"
                )
                raise QueueFull(message)

    def _note(self, queues: Sequence[str], counts: Sequence[object]) -> None:
        for queue, count in zip(queues, counts, strict=True):
            self._waiting[queue] = count if isinstance(count, int) else 0

    def _exchange(self, commands: Sequence[Command]) -> list[Any]:
        for attempt in range(1, self._attempts + 1):
            try:
                return self._round_trip(commands)
            except (RedisError, OSError, UnicodeError) as error:
                if attempt == self._attempts:
                    message = f"Redis at {self._address} cannot be reached ({error}): check REDIS_URL and the server"
                    raise BrokerUnavailable(message) from error
        raise AssertionError

    def _round_trip(self, commands: Sequence[Command]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            replies: list[Any] = pipeline.execute(raise_on_error=False)
        return replies


def _batches(sealed: Sequence[Sealed]) -> Iterator[Sequence[Sealed]]:
    """Cut where a transaction would become too long or too large; most calls are one batch."""
    start = size = 0
    for end, (_, _, envelope) in enumerate(sealed):
        if end - start == _MOST_MESSAGES or (size and size + len(envelope) > _MOST_BYTES):
            yield sealed[start:end]
            start, size = end, 0
        size += len(envelope)
    if start < len(sealed):
        yield sealed[start:]


def _commands(sealed: Iterable[Sealed], *, durable: bool) -> list[Command]:
    by_queue: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for queue, message_id, envelope in sealed:
        by_queue[queue].append((message_id, envelope))
    commands: list[Command] = [("MULTI",)]
    for queue, entries in by_queue.items():
        key = f"{NAMESPACE}:{queue}"
        commands.append(("HSET", f"{key}.msgs", *(item for entry in entries for item in entry)))
        commands.append(("RPUSH", key, *(message_id for message_id, _ in entries)))
    commands.append(("EXEC",))
    if durable:
        commands.append(("WAITAOF", 1, 0, DURABLE_TIMEOUT_MS))
    return commands


def _counting(queues: Sequence[str]) -> Iterator[Command]:
    return (("HLEN", f"{NAMESPACE}:{queue}.msgs") for queue in queues)


def _check(replies: Sequence[Any], *, durable: bool) -> None:
    transaction = replies[:-1] if durable else replies
    # What fails inside the transaction is told in the reply of EXEC, the last one.
    refusals = [reply for reply in (*transaction, *_inside(transaction[-1])) if isinstance(reply, Exception)]
    for refusal in refusals:
        if isinstance(refusal, OutOfMemoryError):
            message = "Redis has reached its memory limit: start more workers or raise maxmemory, then send again"
            raise BrokerFull(message) from refusal
    if refusals:
        message = f"Redis refused the message: {refusals[0]}"
        raise BrokerUnavailable(message) from refusals[0]
    if durable:
        _check_on_disk(replies[-1])


def _inside(reply: Exception | list[Any]) -> list[Any]:
    return reply if isinstance(reply, list) else []


def _check_on_disk(reply: Exception | list[int]) -> None:
    if isinstance(reply, Exception):
        message = f"the message is on the bus, but not known to be on disk: Redis needs appendonly yes ({reply})"
        raise NotDurable(message) from reply
    if not reply[0]:
        message = f"the message is on the bus, but was not on disk within {DURABLE_TIMEOUT_MS / 1000:g} s: is it slow?"
        raise NotDurable(message)
