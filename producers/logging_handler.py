"""Sends what a Python program logs, by way of a buffer."""

import logging
import threading
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import JsonValue

from .buffer import Buffer
from .messages.logs import Level, LogLine

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LONGEST: Final = 2_000


class BufferedHandler(logging.Handler):
    """Turns records into log lines of one instance; what is logged while it does so is left out."""

    def __init__(self, buffer: Buffer[LogLine], *, instance_id: UUID, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._buffer = buffer
        self._instance_id = instance_id
        self._busy = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """Put a record into the buffer; whatever is wrong with it goes to ``handleError``, never to the caller."""
        if getattr(self._busy, "now", False) or threading.current_thread().name == "minimcp-buffer":
            return
        self._busy.now = True
        try:
            self._buffer.put(self._line(record))
        except Exception:  # noqa: BLE001  a logging call never fails; handleError is what logging does then
            self.handleError(record)
        finally:
            self._busy.now = False

    def _line(self, record: logging.LogRecord) -> LogLine:
        return LogLine(
            instance_id=self._instance_id,
            timestamp=datetime.fromtimestamp(record.created, UTC),
            level=_level(record.levelno),
            message=self.format(record),
            metadata={"logger": record.name, **_extra(record)},
        )


def _level(number: int) -> Level:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"


def _extra(record: logging.LogRecord) -> dict[str, JsonValue]:
    return {name: _json(value) for name, value in vars(record).items() if name not in _OWN}


def _json(value: object) -> JsonValue:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(value)[:_LONGEST]
