"""The scheduler: ``python -m scheduler``; run two or more, each tick has its effect once."""

import argparse
import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from process import liveness, telemetry
from process.environment import optional, required
from process.errors import ProcessError
from process.signals import stop_event
from process.watch import ThreadWatch
from producers import ProducerError, connect
from producers.broker import address, redis_client
from producers.preflight import check_redis

from . import cron
from .clock import Clock
from .errors import TimetableRefused
from .overrides import overridden
from .settings import SchedulerSettings
from .timetable import TIMETABLE, Entry

log: Final = logging.getLogger("scheduler")

SERVICE: Final = "scheduler"


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give back its exit code; an error is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except (ProcessError, ProducerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _serve(options: argparse.Namespace) -> int:
    telemetry.configure(SERVICE, json=options.log_format == "json")
    timetable = _timetable()
    for name in sorted({entry.name for entry in TIMETABLE} - {entry.name for entry in timetable}):
        log.warning("%s is off, as TIMETABLE says", name)
    settings = SchedulerSettings(redis_url=_redis_url())
    for doubt in check_redis(redis_client(settings.redis_url), address(settings.redis_url)):
        log.warning(doubt)
    stop = stop_event()
    with connect(settings.redis_url) as producer:
        clock = Clock(producer, timetable=timetable)
        clock.start(catch_up=settings.catch_up)
        watch = ThreadWatch(SERVICE, clock.threads)
        watch.start()
        stop.wait()
        watch.stop()
        clock.stop()
    return 0


def _timetable() -> tuple[Entry, ...]:
    return overridden(TIMETABLE, optional(os.environ, "TIMETABLE"))


def _redis_url() -> str:
    return required(os.environ, "REDIS_URL", "redis://HOST:6379/0")


def _liveness(options: argparse.Namespace) -> int:
    report = liveness.check(SERVICE)
    print(report.as_json() if options.json else report.sentence)
    return 0 if report.alive else 1


def _list(options: argparse.Namespace) -> int:
    return _print(_timetable(), as_json=options.json)


def _next(options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    soonest = sorted(_timetable(), key=lambda entry: entry.trigger.get_next_fire_time(None, now))
    return _print(soonest, as_json=options.json)


def _send(options: argparse.Namespace) -> int:
    """Send a tick now, also one that is off; within a second it counts once."""
    contract = next((entry.contract for entry in TIMETABLE if entry.name == options.name), None)
    if contract is None:
        names = ", ".join(entry.name for entry in TIMETABLE)
        raise TimetableRefused(f"No tick is called {options.name}: there are {names}.")
    tick = contract.at(datetime.now(UTC).replace(microsecond=0))
    with connect(_redis_url()) as producer:
        producer.send(tick)
    sent = {"name": options.name, "message": tick.wire_name, "message_id": str(tick.message_id)}
    print(json.dumps(sent, indent=2) if options.json else f"{options.name} is sent as {tick.message_id}.")
    return 0


def _history(options: argparse.Namespace) -> int:
    """Ask who sees the database, which this never does."""
    task = ["--task", options.task] if options.task else []
    how = ["--json"] if options.json else []
    command = [sys.executable, "-m", "db", "runs", "--limit", str(options.limit), *task, *how]
    return subprocess.run(command, check=False).returncode  # noqa: S603  our own program, and no shell


def _print(timetable: Sequence[Entry], *, as_json: bool) -> int:
    rows = [_row(entry, datetime.now(UTC)) for entry in timetable]
    if as_json:
        print(json.dumps(rows, indent=2))
        return 0
    for row in rows:
        print(f"{row['name']:<22} {row['cron']:<18} {row['next']:<26} {row['message']:<34} {row['why']}")
    return 0


def _row(entry: Entry, now: datetime) -> dict[str, str]:
    return {
        "name": entry.name,
        "cron": cron.written(entry.trigger),
        "next": str(entry.trigger.get_next_fire_time(None, now)),
        "message": entry.contract.wire_name,
        "why": (entry.contract.__doc__ or "").partition("\n")[0],
    }


_COMMANDS: Final = {
    None: _serve,
    "run": _send,
    "liveness": _liveness,
    "list": _list,
    "next": _next,
    "history": _history,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scheduler", description=__doc__)
    parser.add_argument("--log-format", choices=("text", "json"), default="text" if sys.stderr.isatty() else "json")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, explanation in (
        ("liveness", "exit 0 while the schedulers of this machine are well"),
        ("list", "print the timetable: when, which message, why"),
        ("next", "print the timetable, what is due first above"),
    ):
        commands.add_parser(name, help=explanation).add_argument("--json", action="store_true")
    send = commands.add_parser("run", help="send a tick now, beside its times")
    send.add_argument("name", metavar="NAME")
    send.add_argument("--json", action="store_true")
    history = commands.add_parser(
        "history", help="what came of the ticks, as python -m db runs tells; needs DATABASE_URL"
    )
    history.add_argument("--task", metavar="NAME", help="only this one")
    history.add_argument("--limit", type=int, default=20)
    history.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
