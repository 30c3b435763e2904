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
from .commands import dead_letters, gateway, health, log_options, logs, outbox, sealing_keys, usage
from .commands.output import answered
from .options import parser
from .probes.addresses import Policy
from .probes.settings import ProbeSettings
from .sealing import SealingKeys
from .settings import WorkerSettings
from .supervisor import OUTAGE, REFUSED, SERVICE, Supervisor

log: Final = logging.getLogger("workers")

_NO_PRIVILEGE: Final = "42501"
_MAY_NOT: Final = " Set DATABASE_URL to a login that may: `python -m db login NAME --role worker` makes one."


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give back its exit code; an error is one sentence on standard error."""
    options = parser(__doc__).parse_args(arguments)
    try:
        answer = partial(_COMMANDS[options.command or "run"], options)
        return answer() if options.command in _HEEDED else answered(answer)
    except (ProcessError, DatabaseError, ProducerError, ArchiveError, dead_letters.CommandError, ValueError) as error:
        remedy = _MAY_NOT if isinstance(error, DatabaseError) and error.sqlstate == _NO_PRIVILEGE else ""
        print(f"error: {error}{remedy}", file=sys.stderr)
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
    # One batch of lines makes a thousand objects, none of them in a circle.
    gc.set_threshold(20_000)
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
    if options.maintenance:
        with closing(Database(_database(os.environ, connections=1))) as database, database.transaction() as uow:
            troubles = uow.troubles.list()
        print("\n".join(map(str, troubles)) or "Nothing is wrong with maintenance.", file=sys.stderr)
        return 0 if report.alive and not troubles else 1
    return 0 if report.alive else 1


def _asking(answer: Callable[[Database, argparse.Namespace], str]) -> Callable[[argparse.Namespace], int]:
    """Make a command of what the database is asked."""

    def ask(options: argparse.Namespace) -> int:
        with closing(Database(_database(os.environ, connections=1))) as database:
            if told := answer(database, options):
                print(told)
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


def _usage_answer(database: Database, options: argparse.Namespace) -> str:
    hint = partial(print, file=sys.stderr)
    return usage.show(database, usage.question(options), as_json=options.json, hint=hint)


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
    "usage": _asking(_usage_answer),
    "sealing-keys": _show_sealing_keys,
}

_HEEDED: Final = {None, "liveness"}
"""Programs go by the exit codes of these, which are never 0 for want of a reader."""


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


if __name__ == "__main__":
    sys.exit(main())
