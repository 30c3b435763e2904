"""A buffer makes batches of parts and sends them from a thread of its own."""

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Generic, Literal, Self

from .backlog import Backlog
from .errors import InvalidMessage, MessageTooLarge, ProducerError
from .message import Message
from .pace import Pace
from .producer import Producer
from .shapes import FULL, REFUSED, P, Shape


@dataclass(frozen=True)
class Limits:
    """When a batch is sent, how much may wait, and what happens when that is full."""

    batch_count: int = 500
    batch_bytes: int = 262_144
    batch_seconds: float = 1.0
    most_bytes: int = 16 * 1_048_576
    when_full: Literal["drop", "block"] = "drop"
    block_seconds: float = 1.0
    first_pause: float = 0.1
    longest_pause: float = 10.0
    close_seconds: float = 5.0
    per_second: float | None = None
    """Parts of one subject, an instance for lines, a second over ten seconds; the others are dropped and told."""


@dataclass(frozen=True)
class Counters:
    """What became of the parts: ``accepted`` is ``sent`` and ``dropped`` and ``pending``."""

    accepted: int = 0
    sent: int = 0
    dropped: int = 0
    pending: int = 0
    retries: int = 0


class Buffer(Generic[P]):
    """Takes parts from any thread, never raises into them, and sends batches at least once under stable ids.

    Close it, or use it as a context manager; the end of the interpreter closes it too.  A forked child begins with
    an empty buffer, since what waited is its parent's to send.
    """

    def __init__(self, producer: Producer, shape: Shape[P], limits: Limits | None = None) -> None:
        self._producer = producer
        self._shape = shape
        self._limits = limits or Limits()
        self._pace = None if self._limits.per_second is None else Pace(self._limits.per_second)
        self._begin()
        end = _weakly(weakref.WeakMethod(self.close))
        self._unregister: Callable[[], object] = lambda: atexit.unregister(end)
        atexit.register(end)
        os.register_at_fork(after_in_child=_weakly(weakref.WeakMethod(self._begin)))

    def put(self, part: P) -> bool:
        """Take a part; False when there was no room for it, which the counters and the gap tell."""
        weight = len(part.model_dump_json().encode())
        with self._changed:
            self._count(accepted=1, pending=1)
            why = self._objection(part, weight)
            if why is not None:
                self._backlog.miss(part, why)
                self._count(dropped=1, pending=-1)
                return False
            self._backlog.add(part, weight, time.monotonic())
            dropped = self._drop_excess()
            self._start()
            self._changed.notify_all()
            return not any(each is part for each in dropped)

    def counters(self) -> Counters:
        """Give what became of the parts until now."""
        with self._changed:
            return self._counters

    def last_error(self) -> Exception | None:
        """Give what the last attempt to send that failed has raised; None when none has failed."""
        with self._changed:
            return self._last_error

    def close(self) -> bool:
        """Send what waits, for ``close_seconds`` at most; True when all was sent.  What comes later is dropped."""
        with self._changed:
            self._closing = True
            self._deadline = time.monotonic() + self._limits.close_seconds
            self._changed.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(self._limits.close_seconds + 1)
        self._unregister()
        return self.counters().pending == 0

    def __enter__(self) -> Self:
        """Use the buffer and close it at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the buffer."""
        self.close()

    def _begin(self) -> None:
        # Reentrant, since a signal may come while its thread holds the lock, and log something.
        self._changed = threading.Condition(threading.RLock())
        self._backlog = Backlog(self._shape)
        self._counters = Counters()
        self._last_error: Exception | None = None
        self._in_flight = 0
        self._closing = False
        self._deadline = 0.0
        self._thread: threading.Thread | None = None

    def _start(self) -> None:
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._run, name="minimcp-buffer", daemon=True)
        # At the end of the interpreter no thread begins any more: the part stays pending, as the counters say.
        with suppress(RuntimeError):
            thread.start()
            self._thread = thread

    def _objection(self, part: P, weight: int) -> str | None:
        """Say why a part cannot be taken."""
        if self._pace is not None and self._pace.exceeded(self._shape.subject(part)):
            return f"more than {self._pace.per_second:g} came a second"
        fits = not self._closing and weight <= self._limits.most_bytes
        return None if fits and self._room(weight) else FULL

    def _room(self, weight: int) -> bool:
        """Wait for room if that is the policy; the sender itself must not wait for the sender."""
        if self._limits.when_full == "drop" or threading.current_thread() is self._thread:
            return weight + self._in_flight <= self._limits.most_bytes
        until = time.monotonic() + self._limits.block_seconds
        while self._backlog.weight + self._in_flight + weight > self._limits.most_bytes:
            left = until - time.monotonic()
            if left <= 0 or self._closing:
                return False
            self._changed.wait(left)
        return True

    def _drop_excess(self) -> list[P]:
        dropped: list[P] = []
        while self._backlog.weight + self._in_flight > self._limits.most_bytes:
            dropped.append(self._backlog.drop())
        self._count(dropped=len(dropped), pending=-len(dropped))
        return dropped

    def _run(self) -> None:
        while parts := self._next():
            self._deliver(parts)
            with self._changed:
                self._in_flight = 0
                self._changed.notify_all()

    def _next(self) -> list[P]:
        """Wait for a batch and take it; nothing at the end."""
        with self._changed:
            while (left := self._left()) > 0:
                self._changed.wait(left)
            gaps = self._backlog.gaps(self._shape.most // 2)
            self._count(accepted=len(gaps), pending=len(gaps))
            most = min(self._limits.batch_count, self._shape.most - len(gaps))
            taken = self._backlog.take(most, self._limits.batch_bytes)
            self._in_flight = sum(waiting.weight for waiting in taken)
            return [*gaps, *(waiting.part for waiting in taken)]

    def _left(self) -> float:
        """Tell in how many seconds a batch is due."""
        limits, backlog = self._limits, self._backlog
        full = backlog.count >= limits.batch_count or backlog.weight >= limits.batch_bytes
        if full or self._closing or backlog.has_gaps():
            return 0.0
        oldest = backlog.oldest()
        return threading.TIMEOUT_MAX if oldest is None else oldest + limits.batch_seconds - time.monotonic()

    def _deliver(self, parts: Sequence[P]) -> None:
        """Send parts as one message, or as halves when that is too large."""
        try:
            if self._sent(self._shape.message(parts)):
                with self._changed:
                    self._count(sent=len(parts), pending=-len(parts))
        except MessageTooLarge as error:
            if len(parts) == 1:
                self._lose(parts, error)
                return
            middle = len(parts) // 2
            self._deliver(parts[:middle])
            self._deliver(parts[middle:])
        except Exception as error:  # noqa: BLE001  whatever a transport raises, the thread that sends must outlive it
            self._lose(parts, error)

    def _sent(self, message: Message) -> bool:
        """Send the same message until the broker has it; False when the time to close is over."""
        pause = self._limits.first_pause
        while True:
            try:
                self._producer.send(message)
            except InvalidMessage:
                raise
            except (ProducerError, OSError, RuntimeError) as error:
                if not self._again(pause, error):
                    return False
                pause = min(2 * pause, self._limits.longest_pause)
            else:
                return True

    def _again(self, pause: float, error: Exception) -> bool:
        until = time.monotonic() + pause
        with self._changed:
            self._last_error = error
            self._count(retries=1)
            while (now := time.monotonic()) < until:
                if self._closing and now >= self._deadline:
                    return False
                self._changed.wait(min(until - now, self._deadline - now) if self._closing else until - now)
            return True

    def _lose(self, parts: Sequence[P], error: Exception) -> None:
        with self._changed:
            self._last_error = error
            for part in parts:
                self._backlog.miss(part, REFUSED)
            self._count(dropped=len(parts), pending=-len(parts))

    def _count(self, **more: int) -> None:
        now = self._counters
        self._counters = replace(now, **{name: getattr(now, name) + by for name, by in more.items()})


def _weakly(method: weakref.WeakMethod[Callable[[], object]]) -> Callable[[], None]:
    """Call a method of an object that still lives; whoever keeps this does not keep the object."""

    def call() -> None:
        if (found := method()) is not None:
            found()

    return call
