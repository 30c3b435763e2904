"""The scheduler: ``python -m scheduler``; run two or more, each tick has its effect once."""

import argparse
import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Final

from process import liveness, telemetry
from process.environment import required
from process.errors import ProcessError
from process.signals import stop_event
from process.watch import ThreadWatch
from producers import ProducerError, connect
from producers.broker import address, redis_client
from producers.preflight import check_redis

from .clock import Clock
from .settings import SchedulerSettings
from .timetable import TIMETABLE

log: Final = logging.getLogger("scheduler")

SERVICE: Final = "scheduler"


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give back its exit code; an error is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command or "run"](options)
    except (ProcessError, ProducerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    telemetry.configure(SERVICE, json=options.log_format == "json")
    settings = SchedulerSettings(redis_url=required(os.environ, "REDIS_URL", "redis://HOST:6379/0"))
    for doubt in check_redis(redis_client(settings.redis_url), address(settings.redis_url)):
        log.warning(doubt)
    stop = stop_event()
    with connect(settings.redis_url) as producer:
        clock = Clock(producer)
        clock.start(catch_up=settings.catch_up)
        watch = ThreadWatch(SERVICE, clock.threads)
        watch.start()
        stop.wait()
        watch.stop()
        clock.stop()
    return 0


def _liveness(options: argparse.Namespace) -> int:
    report = liveness.check(SERVICE)
    print(report.as_json() if options.json else report.sentence)
    return 0 if report.alive else 1


def _list(options: argparse.Namespace) -> int:
    now = datetime.now(UTC)
    rows = [
        {
            "name": entry.name,
            "next": str(entry.trigger.get_next_fire_time(None, now)),
            "message": entry.contract.wire_name,
            "why": (entry.contract.__doc__ or "").partition("\n")[0],
        }
        for entry in TIMETABLE
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print("\n".join(f"{row['name']:<18} {row['next']:<26} {row['message']:<34} {row['why']}" for row in rows))
    return 0


_COMMANDS: Final = {"run": _run, "liveness": _liveness, "list": _list}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scheduler", description=__doc__)
    parser.add_argument("--log-format", choices=("text", "json"), default="text" if sys.stderr.isatty() else "json")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, explanation in (
        ("liveness", "exit 0 while the schedulers of this machine are well"),
        ("list", "print the timetable with the next fire times"),
    ):
        commands.add_parser(name, help=explanation).add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
