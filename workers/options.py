"""What the worker pool can be told and asked on its command line."""

import argparse
import sys
from typing import Final
from uuid import UUID

from .actors import ACTORS
from .commands import health, log_options, usage

LONGEST_DRAIN: Final = 86_400
QUEUES: Final = sorted({actor.contract.queue.value for actor in ACTORS})


def parser(description: str | None) -> argparse.ArgumentParser:
    """Declare every option and command."""
    options = argparse.ArgumentParser(prog="python -m workers", description=description)
    options.add_argument("--processes", type=_count, default=1, help="worker processes (default 1)")
    options.add_argument("--threads", type=_count, default=8, help="threads of each process (default 8)")
    options.add_argument(
        "--queues",
        action="append",
        choices=QUEUES,
        metavar="QUEUE",
        help=f"work on this queue only, one of {', '.join(QUEUES)}; may be repeated",
    )
    options.add_argument("--drain", type=_seconds, default=30, metavar="SECONDS", help="time to finish after SIGTERM")
    options.add_argument("--log-format", choices=("text", "json"), default="text" if sys.stderr.isatty() else "json")
    options.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    commands = options.add_subparsers(dest="command", metavar="COMMAND")
    alive = commands.add_parser("liveness", help="exit 0 while the workers of this machine are well")
    alive.add_argument("--json", action="store_true")
    alive.add_argument(
        "--maintenance", action="store_true", help="and while nothing is wrong with maintenance; asks the database"
    )
    _add_dead_letters(commands.add_parser("dead-letters", help="messages that were given up"))
    _add_sealing_keys(commands.add_parser("sealing-keys", help="pairs that keys of third parties travel sealed with"))
    _add_health(commands.add_parser("health", help="how everything does that is checked"))
    log_options.add(commands.add_parser("logs", help="lines that instances printed"))
    _add_outbox(commands.add_parser("outbox", help="messages that services enqueue with SQL"))
    log_options.add_gateway(commands.add_parser("gateway", help="records of the gateway"))
    usage.add(commands.add_parser("usage", help="requests, calls and samples, counted by hours and days"))
    return options


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        message = f"{text!r} is not a whole number of at least 1"
        raise argparse.ArgumentTypeError(message)
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    # So that neither "nan" nor "inf" gets through.
    if not 0 <= seconds <= LONGEST_DRAIN:
        message = f"{text!r} is not a number of seconds between 0 and {LONGEST_DRAIN:,}"
        raise argparse.ArgumentTypeError(message)
    return seconds


def _add_dead_letters(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the open ones, newest first")
    listing.add_argument("--limit", type=_count, default=50)
    listing.add_argument("--reason", help="only those given up for this reason")
    showing = actions.add_parser("show", help="one, with payload and traceback")
    for action in (listing, showing):
        action.add_argument("--json", action="store_true")
    replaying = actions.add_parser("replay", help="have it delivered again under its own id")
    discarding = actions.add_parser("discard", help="close it")
    for action in (showing, replaying, discarding):
        action.add_argument("id", type=UUID)


def _add_sealing_keys(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    making = actions.add_parser("new", help="make a pair: one half for SEALING_KEYS, one for the producers")
    making.add_argument("name", help="such as 2026-11; producers name the pair by it")
    showing = actions.add_parser("public", help="the halves of SEALING_KEYS that producers may have")
    for action in (making, showing):
        action.add_argument("--json", action="store_true")


def _add_outbox(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what the inbox does not have yet, the oldest first")
    listing.add_argument("--limit", type=_count, default=50)
    showing = actions.add_parser("show", help="one, with its payload")
    showing.add_argument("id", type=UUID)
    lagging = actions.add_parser("lag", help="how many wait for each queue, and how late they are")
    for action in (listing, showing, lagging):
        action.add_argument("--json", action="store_true")


def _add_health(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="a line for each target: verdict, uptime, next check and why")
    listing.add_argument("--limit", type=_count, default=50)
    listing.add_argument("--kind", choices=health.KINDS, help="only targets of this kind")
    listing.add_argument("--failing", action="store_true", help="only targets in trouble")
    showing = actions.add_parser("show", help="all that is known of one")
    checking = actions.add_parser("check", help="have one checked now, and say what was found")
    acknowledging = actions.add_parser("acknowledge", help="say that you take care of its alert")
    for action in (listing, showing, checking):
        action.add_argument("--json", action="store_true")
    for action in (showing, checking, acknowledging):
        action.add_argument("target", help="the id of an instance or a server, or the name of a service")
