"""Threads that read what a process prints, to its end."""

import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, Protocol, cast
from uuid import UUID

from ..buffer import Buffer
from ..messages.logs import LogLine
from . import entries
from .joining import Bounds, Joined, Joiner
from .splitting import Splitter

if TYPE_CHECKING:
    from subprocess import Popen

_CHUNK: Final = 65_536

Echo = Callable[[bytes], None]


@dataclass(frozen=True)
class Reading:
    """How a stream is read: what it is called, who gets its bytes first as they come, and what belongs together."""

    name: str = "stdout"
    echo: Echo | None = None
    bounds: Bounds | None = None


class Readable(Protocol):
    """A binary stream."""

    def read(self, size: int, /) -> bytes | None:
        """Give some bytes; none at the end."""

    def fileno(self) -> int:
        """Give the descriptor, if there is one."""
        ...


class _Shipment:
    """What one stream of an instance prints, on its way into a buffer."""

    def __init__(self, buffer: Buffer[LogLine], instance_id: UUID, reading: Reading) -> None:
        self._buffer = buffer
        self._instance_id = instance_id
        self._name = reading.name
        self._splitter = Splitter()
        self._joiner = Joiner(reading.bounds)

    def add(self, data: bytes) -> None:
        for line in self._splitter.add(data):
            self._join(line)

    def left(self) -> float | None:
        return self._joiner.left()

    def flush(self) -> None:
        for joined in self._joiner.finish():
            self._put(joined)

    def finish(self) -> None:
        self._join(self._splitter.finish())
        self.flush()

    def _join(self, line: str) -> None:
        for joined in self._joiner.add(line):
            self._put(joined)

    def _put(self, joined: Joined) -> None:
        entry = entries.read(joined.text, joined.at)
        self._buffer.put(
            LogLine(
                instance_id=self._instance_id,
                timestamp=entry.timestamp or joined.at,
                level=entry.level or ("error" if joined.is_exception else "info"),
                message=entry.text,
                metadata={"stream": self._name, **entry.metadata},
            )
        )


def ship(
    stream: Readable,
    buffer: Buffer[LogLine],
    instance_id: UUID,
    reading: Reading | None = None,
) -> None:
    """Read a binary stream to its end and put what it says into a buffer."""
    reading = reading or Reading()
    shipment = _Shipment(buffer, instance_id, reading)
    descriptor = _descriptor(stream)
    read = cast("Callable[[int], bytes | None]", getattr(stream, "read1", stream.read))
    try:
        while True:
            while _is_quiet(descriptor, shipment.left()):
                shipment.flush()
            data = read(_CHUNK)
            if not data:
                break
            if reading.echo is not None:
                reading.echo(data)
            shipment.add(data)
    finally:
        shipment.finish()


class Following:
    """The threads that follow a process."""

    def __init__(self, threads: list[threading.Thread]) -> None:
        self._threads = threads

    def join(self, seconds: float | None = None) -> bool:
        """Wait until the streams have ended; False when they have not within so many seconds."""
        deadline = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)


def follow(
    process: "Popen[bytes]",
    buffer: Buffer[LogLine],
    instance_id: UUID,
    *,
    echoes: tuple[Echo | None, Echo | None] = (None, None),
    bounds: Bounds | None = None,
) -> Following:
    """Follow the standard output and error of a process that was started with pipes for them, or for one of them."""
    both = (process.stdout, process.stderr)
    threads = [
        threading.Thread(
            target=_follow_one,
            args=(stream, buffer, instance_id, Reading(name, echo, bounds)),
            name=f"follow-{name}",
            daemon=True,
        )
        for name, stream, echo in zip(("stdout", "stderr"), both, echoes, strict=True)
        if stream is not None
    ]
    for thread in threads:
        thread.start()
    return Following(threads)


def _follow_one(stream: IO[bytes], buffer: Buffer[LogLine], instance_id: UUID, reading: Reading) -> None:
    # Whoever closes the pipe, or nobody reads the echo any more: the process is to feel it, as it would without us.
    with suppress(OSError, ValueError), stream:
        ship(stream, buffer, instance_id, reading)


def _descriptor(stream: Readable) -> int | None:
    """Give what can be waited for; None when it is no file of the system, and reading it never waits."""
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _is_quiet(descriptor: int | None, seconds: float | None) -> bool:
    """Wait until there is something to read; True when there was nothing for so long."""
    if descriptor is None or seconds is None:
        return False
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return not poll.poll(seconds * 1_000)
