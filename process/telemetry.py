"""Log lines on standard error: JSON for machines, plain for people, and no payload of a message in either."""

import json as encoding
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from typing import Any, Final

LIBRARIES: Final = ("apscheduler", "asyncio", "dramatiq")
"""They tell of each message or job at INFO, which is the business of our own lines."""

_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

log: Final = logging.getLogger(__name__)


def configure(service: str, *, json: bool, level: int = logging.INFO) -> None:
    """Send every log line of this process to standard error, warnings and dying threads included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service) if json else PlainLines())
    handler.addFilter(hide_payloads)
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    logging.captureWarnings(capture=True)
    threading.excepthook = _log_death


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON: ts, level, logger, event, service, pid, then its context."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Write the line; line breaks and broken characters of the event are escaped."""
        fields = {
            "ts": _moment(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            "service": self._service,
            "pid": os.getpid(),
            **context(record),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return encoding.dumps(fields, default=str)


class PlainLines(logging.Formatter):
    """Writes a record for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the time of day, the level, who speaks, the event and its context."""
        time = _moment(record).astimezone().isoformat(sep=" ", timespec="milliseconds")[11:23]
        known = "".join(f"  {name}={value}" for name, value in context(record).items())
        line = f"{time} {record.levelname.lower():<8} {record.name:<20} {record.getMessage()}{known}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def context(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller gave as `extra`."""
    return {name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD}


def hide_payloads(record: logging.LogRecord) -> bool:
    """Put ids in the place of messages: libraries log whole messages when they fail."""
    if isinstance(record.args, tuple):
        record.args = tuple(_without_payload(argument) for argument in record.args)
    return True


def _without_payload(argument: object) -> object:
    if isinstance(argument, bytes | bytearray | memoryview):
        return f"<{len(argument)} bytes>"
    message_id = getattr(argument, "message_id", None)
    return argument if message_id is None else f"<{type(argument).__name__} {message_id}>"


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _log_death(death: threading.ExceptHookArgs) -> None:
    if death.exc_type is SystemExit:
        return
    name = death.thread.name if death.thread else "of an unknown name"
    error = death.exc_value or death.exc_type()
    log.critical("the thread %s died of %s", name, death.exc_type.__name__, exc_info=error)
