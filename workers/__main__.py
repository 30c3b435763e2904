"""The worker pool and what people ask of it: ``python -m workers``, ``python -m workers --help``."""

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from archives.errors import ArchiveError
from archives.place import Place
from db.encryption import KeyRing
from db.engine import Database
from db.errors import Conflict, DatabaseError, DatabaseUnavailable
from db.pepper import Pepper
from db.settings import DatabaseSettings
from process import liveness, telemetry
from process.environment import optional, required
from process.errors import ProcessError
from process.lifeline import Lifeline
from process.signals import stop_event
from process.watch import ThreadWatch
from producers import BrokerUnavailable, ProducerError

from . import app
from .actors import ACTORS
from .commands import dead_letters, gateway, health, log_options, logs, outbox, sealing_keys
from .probes.addresses import Policy
from .probes.settings import ProbeSettings
from .sealing import SealingKeys
from .settings import WorkerSettings
from .supervisor import OUTAGE, REFUSED, SERVICE, Supervisor

log: Final = logging.getLogger("workers")

LONGEST_DRAIN: Final = 86_400
QUEUES: Final = sorted({actor.contract.queue.value for actor in ACTORS})


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give back its exit code; an error is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command or "run"](options)
    except (ProcessError, DatabaseError, ProducerError, ArchiveError, dead_letters.CommandError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _exit_code(error) if options.lifeline is not None else 1


def _exit_code(error: Exception) -> int:
    """Tell the master whether another process in this one's place may have more luck."""
    return OUTAGE if isinstance(error, DatabaseUnavailable | Conflict | BrokerUnavailable) else REFUSED


def _run(options: argparse.Namespace) -> int:
    telemetry.configure(SERVICE, json=options.log_format == "json")
    settings = _settings(options, os.environ)
    if settings.processes > 1:
        return _supervise(settings, options)
    return _work(settings, options)


def _work(settings: WorkerSettings, options: argparse.Namespace) -> int:
    stop = stop_event()
    app.check(settings)
    if options.lifeline is not None:
        Lifeline(options.lifeline, stop).start()
    # What is imported stays for good; unless frozen, each full collection walks through it, a third of ingest's time.
    gc.freeze()
    with app.running(settings) as process:
        watch = ThreadWatch(SERVICE, process.threads)
        watch.start()
        log.info("working with %d threads", settings.threads)
        stop.wait()
        # Threads are about to end because they are told to.
        watch.stop()
        log.info("draining")
    log.info("drained")
    return 0


def _supervise(settings: WorkerSettings, options: argparse.Namespace) -> int:
    stop = stop_event()
    app.check(settings)
    command = ["--threads", str(settings.threads), "--drain", str(options.drain), "--log-format", options.log_format]
    for queue in sorted(settings.queues):
        command += ["--queues", queue]
    return Supervisor(command, settings.processes, drain_seconds=settings.drain.total_seconds()).run(stop)


def _liveness(options: argparse.Namespace) -> int:
    report = liveness.check(SERVICE)
    print(report.as_json() if options.json else report.sentence)
    return 0 if report.alive else 1


def _asking(answer: Callable[[Database, argparse.Namespace], str]) -> Callable[[argparse.Namespace], int]:
    """Make a command of what the database is asked."""

    def ask(options: argparse.Namespace) -> int:
        with closing(Database(_database(os.environ, connections=1))) as database:
            print(answer(database, options))
        return 0

    return ask


def _dead_letter_answer(database: Database, options: argparse.Namespace) -> str:
    if options.action == "list":
        return dead_letters.show_list(database, limit=options.limit, reason=options.reason, as_json=options.json)
    if options.action == "show":
        return dead_letters.show(database, options.id, as_json=options.json)
    act = dead_letters.replay if options.action == "replay" else dead_letters.discard
    return act(database, options.id)


def _show_sealing_keys(options: argparse.Namespace) -> int:
    if options.action == "new":
        print(sealing_keys.show_new(options.name, as_json=options.json))
    else:
        print(sealing_keys.show_public(_sealing_keys(os.environ), as_json=options.json))
    return 0


def _health_answer(database: Database, options: argparse.Namespace) -> str:
    if options.action == "list":
        return health.show_list(
            database, kind=options.kind, failing=options.failing, limit=options.limit, as_json=options.json
        )
    if options.action == "acknowledge":
        return health.acknowledge(database, options.target)
    act = health.show if options.action == "show" else health.check
    return act(database, options.target, as_json=options.json)


def _outbox_answer(database: Database, options: argparse.Namespace) -> str:
    if options.action == "list":
        return outbox.show_list(database, limit=options.limit, as_json=options.json)
    if options.action == "show":
        return outbox.show(database, options.id, as_json=options.json)
    return outbox.show_lag(database, as_json=options.json)


def _quarantined(show: Callable[..., str]) -> Callable[[Database, argparse.Namespace], str]:
    return lambda database, options: show(database, days=options.days, as_json=options.json)


def _logs(options: argparse.Namespace) -> int:
    if options.action == "quarantine":
        return _asking(_quarantined(logs.show_quarantine))(options)
    with closing(Database(_database(os.environ, connections=1))) as database:
        tell, hint = partial(print, flush=True), partial(print, file=sys.stderr)
        return log_options.read(database, options, tell=tell, hint=hint)


_COMMANDS: Final = {
    "run": _run,
    "liveness": _liveness,
    "dead-letters": _asking(_dead_letter_answer),
    "health": _asking(_health_answer),
    "outbox": _asking(_outbox_answer),
    "logs": _logs,
    "gateway": _asking(_quarantined(gateway.show_quarantine)),
    "sealing-keys": _show_sealing_keys,
}


def _settings(options: argparse.Namespace, environment: Mapping[str, str]) -> WorkerSettings:
    return WorkerSettings(
        redis_url=required(environment, "REDIS_URL", "redis://HOST:6379/0"),
        database=_database(environment, connections=options.threads + 4),
        master_keys=KeyRing.parse(optional(environment, "MASTER_KEYS") or ""),
        key_pepper=Pepper.parse(optional(environment, "KEY_PEPPER") or ""),
        sealing_keys=_sealing_keys(environment),
        processes=options.processes,
        threads=options.threads,
        queues=frozenset(options.queues or ()),
        probes=ProbeSettings(policy=Policy.parse(optional(environment, "PROBE_NETWORKS") or "")),
        host_id=optional(environment, "HOST_ID"),
        archives=_archives(environment),
        drain=timedelta(seconds=options.drain),
    )


def _sealing_keys(environment: Mapping[str, str]) -> SealingKeys:
    return SealingKeys.parse(optional(environment, "SEALING_KEYS") or "")


def _archives(environment: Mapping[str, str]) -> Place | None:
    url = optional(environment, "ARCHIVE_URL")
    return None if url is None else Place.parse(url)


def _database(environment: Mapping[str, str], *, connections: int) -> DatabaseSettings:
    url = required(environment, "DATABASE_URL", "postgresql://USER:PASSWORD@HOST:5432/NAME")
    return DatabaseSettings(url=url, pool_size=connections, application_name="minimcp-worker")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("--processes", type=_count, default=1, help="worker processes (default 1)")
    parser.add_argument("--threads", type=_count, default=8, help="threads of each process (default 8)")
    parser.add_argument(
        "--queues",
        action="append",
        choices=QUEUES,
        metavar="QUEUE",
        help=f"work on this queue only, one of {', '.join(QUEUES)}; may be repeated",
    )
    parser.add_argument("--drain", type=_seconds, default=30, metavar="SECONDS", help="time to finish after SIGTERM")
    parser.add_argument("--log-format", choices=("text", "json"), default="text" if sys.stderr.isatty() else "json")
    parser.add_argument("--lifeline", type=int, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    alive = commands.add_parser("liveness", help="exit 0 while the workers of this machine are well")
    alive.add_argument("--json", action="store_true")
    _add_dead_letters(commands.add_parser("dead-letters", help="messages that were given up"))
    _add_sealing_keys(commands.add_parser("sealing-keys", help="pairs that keys of third parties travel sealed with"))
    _add_health(commands.add_parser("health", help="how everything does that is checked"))
    log_options.add(commands.add_parser("logs", help="lines that instances printed"))
    _add_outbox(commands.add_parser("outbox", help="messages that services enqueue with SQL"))
    log_options.add_gateway(commands.add_parser("gateway", help="records of the gateway"))
    return parser


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


if __name__ == "__main__":
    sys.exit(main())
