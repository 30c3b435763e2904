"""`python -m producers logs`: run a command and ship what it prints, or ship standard input."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import IO, Final, Self
from uuid import UUID

from ..buffer import Buffer, Limits
from ..messages.logs import LogLine
from ..producer import connect
from ..shapes import LINES
from ..sigterm import exit_on_sigterm
from .following import Echo, Reading, follow, ship

_PASSED_ON: Final = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
)
_OF_TERMINALS: Final = (signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH)
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126
_LAST_SECONDS: Final = 5.0
"""How long the streams may stay open after the command has ended, since its children may hold them."""
_NOT_SENT: Final = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--instance", type=UUID, required=True, help="the id of the instance whose lines these are")
    parser.add_argument("--stderr-only", action="store_true", help="leave the standard output alone, if it is no log")
    parser.add_argument(
        "--block", action="store_true", help="make the command wait when the buffer is full, instead of dropping lines"
    )
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="after --; without it standard input is read")


def run(arguments: argparse.Namespace, *, url: str) -> int:
    """Ship to the end and give the exit code of the command, or 1 when it went well but lines could not be sent."""
    limits = Limits(when_full="block", block_seconds=3600.0) if arguments.block else Limits()
    with connect(url) as producer:
        buffer = Buffer(producer, LINES, limits)
        try:
            code = _shipped(arguments, buffer)
        finally:
            is_sent = buffer.close()
            _tell_losses(buffer)
    return code if code or is_sent else _NOT_SENT


def _shipped(arguments: argparse.Namespace, buffer: Buffer[LogLine]) -> int:
    if arguments.words:
        return _run(arguments.words, buffer, arguments.instance, stderr_only=arguments.stderr_only)
    exit_on_sigterm()
    ship(sys.stdin.buffer, buffer, arguments.instance, Reading("stdin"))
    return 0


def _run(words: Sequence[str], buffer: Buffer[LogLine], instance_id: UUID, *, stderr_only: bool) -> int:
    stdout = None if stderr_only else subprocess.PIPE
    with _Signals() as signals:
        try:
            process = subprocess.Popen(words, stdout=stdout, stderr=subprocess.PIPE)
        except OSError as error:
            print(f"error: {words[0]} cannot be run: {error.strerror}", file=sys.stderr)
            return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
        signals.pass_to(process)
        following = follow(process, buffer, instance_id, echoes=(_echo(sys.stdout.buffer), _echo(sys.stderr.buffer)))
        code = process.wait()
        following.join(_LAST_SECONDS)
    return code if code >= 0 else 128 - code


class _Signals:
    """Passes signals on to a process; those that come before it has begun, as soon as it has."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __enter__(self) -> Self:
        """Take the signals."""
        self._before = {number: signal.signal(number, self._pass_on) for number in _PASSED_ON}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def pass_to(self, process: "subprocess.Popen[bytes]") -> None:
        """Pass signals on to this process."""
        self._process = process
        for number in self._early:
            process.send_signal(number)

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif not (number in _OF_TERMINALS and _at_terminal()):  # the terminal has sent it to the command too
            self._process.send_signal(number)


def _at_terminal() -> bool:
    with suppress(OSError):
        return os.tcgetpgrp(0) == os.getpgrp()
    return False


def _echo(stream: IO[bytes]) -> Echo:
    def echo(data: bytes) -> None:
        stream.write(data)
        stream.flush()

    return echo


def _tell_losses(buffer: Buffer[LogLine]) -> None:
    counters = buffer.counters()
    if counters.dropped or counters.pending:
        told = f"minimcp: {counters.dropped:,} lines were dropped and {counters.pending:,} could not be sent"
        cause = buffer.last_error() or ("Redis did not answer in time" if counters.pending else None)
        print(told if cause is None else f"{told}: {cause}", file=sys.stderr)
