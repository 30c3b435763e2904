"""A worker is killed in the middle of ten thousand messages, and the count stays exact."""

import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import cycle
from typing import Final
from uuid import UUID

import psutil

from producers import LogLine, LogsEmitted
from producers.envelope import NAMESPACE
from producers.messages.logs import Level

from .cast import Cast
from .stage import DemoFailed

MESSAGES: Final = 10_000
KILL_AFTER: Final = 3_000

# Seven in ten lines are information, as in life.
_LEVELS: Final[tuple[Level, ...]] = ("info", "info", "debug", "info", "warn", "info", "info", "error", "info", "info")
_STORED: Final = "SELECT count(*) FROM mcp_logs WHERE mcp_instance_id = %(instance)s"
_NUMBERS: Final = """
    SELECT count(*), count(DISTINCT metadata ->> 'number') FROM mcp_logs
     WHERE mcp_instance_id = %(instance)s AND metadata ? 'number'
"""
_APPLIED: Final = """
    SELECT count(*), count(*) FILTER (WHERE created_at > %(killed_at)s), max(created_at) FROM inbox
     WHERE message_id = ANY (%(messages)s) AND outcome = 'applied'
"""


def kill_a_worker(cast: Cast) -> None:
    """Kill a worker while it applies messages; each of them must have its effect once."""
    cast.narrator.act(
        f"A worker is killed in the middle of {MESSAGES:,} messages",
        "Processes die with messages in hand. Twice delivered is harmless, lost is not: the inbox keeps the count.",
    )
    load, victim = cast.instances["trial"], _workers(cast)[0]
    messages = send(cast, load)
    cast.stage.await_("a third of the messages", lambda: _stored(cast, load) >= KILL_AFTER)
    os.kill(victim, signal.SIGKILL)
    killed_at, held = datetime.now(UTC), in_hand(cast)
    cast.narrator.say(f"SIGKILL to worker process {victim} when {_stored(cast, load):,} lines were stored.")
    see_recovery(cast, killed_at, held)
    cast.narrator.say(f"The pool has {len(_workers(cast))} worker processes again.")
    cast.stage.await_(f"the storing of {MESSAGES:,} lines", lambda: _stored(cast, load) >= MESSAGES, 120)
    count(cast, messages, load, killed_at)


def send(cast: Cast, instance_id: UUID) -> list[UUID]:
    """Send one log line per message, each with a number, so that a missing or a double one shows."""
    now = datetime.now(UTC)
    lines = [
        LogLine(
            instance_id=instance_id,
            timestamp=now,
            level=level,
            source="api",
            message=f"request {number} of the demo",
            metadata={"number": number},
        )
        for number, level in zip(range(MESSAGES), cycle(_LEVELS), strict=False)
    ]
    begin = cast.narrator.seconds
    messages = cast.stage.producer.send_many(LogsEmitted(lines=[line]) for line in lines)
    seconds = cast.narrator.seconds - begin
    cast.narrator.say(f"{len(messages):,} messages of one log line each are on the bus after {seconds:.1f} s.")
    return messages


def in_hand(cast: Cast) -> dict[str, list[UUID]]:
    """Read from Redis what each worker has fetched and not yet reported as done."""
    redis, queue = cast.stage.redis, LogsEmitted.queue.value
    held = {worker: redis.smembers(f"{NAMESPACE}:__acks__.{worker}.{queue}") for worker in _alive(cast)}
    return {worker: [UUID(_text(message)) for message in messages] for worker, messages in held.items()}


def see_recovery(cast: Cast, killed_at: datetime, held: Mapping[str, list[UUID]]) -> None:
    """Wait until another worker has applied what the dead one had in hand; tell how long that took."""
    dead = cast.stage.await_("the discovery of the dead worker", lambda: held.keys() - _alive(cast))
    messages = [message for worker in dead for message in held[worker]]

    def look() -> tuple[int, datetime] | None:
        applied, late, last = _applied(cast, messages, killed_at)
        return (late, last) if applied == len(messages) else None

    if not messages:
        cast.narrator.say("By chance it had nothing in hand.")
        return
    late, last = cast.stage.await_("the recovery of its messages", look)
    seconds = (last - killed_at).total_seconds()
    cast.narrator.say(
        f"It held {len(messages)} messages: {len(messages) - late} were applied, but Redis did not know that yet;"
        f" {late} were not."
    )
    cast.narrator.prove(f"another worker has run them {seconds:.1f} s after the kill (promised: within 10 s).")


def count(cast: Cast, messages: list[UUID], instance_id: UUID, killed_at: datetime) -> None:
    """Count the lines and the inbox in PostgreSQL; anything but exact fails the demo."""
    ((stored, different),) = cast.stage.ask(_NUMBERS, instance=instance_id)
    applied, _, _ = _applied(cast, messages, killed_at)
    missing, double = MESSAGES - different, stored - different
    sentence = f"{len(messages):,} messages sent, {stored:,} lines stored: {missing} missing, {double} twice."
    if (missing, double, applied) != (0, 0, MESSAGES):
        raise DemoFailed(f"{sentence} The inbox knows {applied:,} of the messages")
    cast.narrator.prove(sentence)


def _workers(cast: Cast) -> list[int]:
    return [process.pid for process in psutil.Process(cast.pool.pid).children()]


def _alive(cast: Cast) -> set[str]:
    return {_text(worker) for worker in cast.stage.redis.zrange(f"{NAMESPACE}:__heartbeats__", 0, -1)}


def _applied(cast: Cast, messages: list[UUID], killed_at: datetime) -> tuple[int, int, datetime]:
    ((applied, late, last),) = cast.stage.ask(_APPLIED, messages=messages, killed_at=killed_at)
    return applied, late, last


def _stored(cast: Cast, instance_id: UUID) -> int:
    return int(cast.stage.ask(_STORED, instance=instance_id)[0][0])


def _text(reply: object) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)
