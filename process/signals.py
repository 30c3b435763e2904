"""SIGTERM and SIGINT ask a process to finish; the same one again ends it at once."""

import logging
import os
import signal
import threading
import time
from queue import SimpleQueue
from types import FrameType
from typing import Final

log: Final = logging.getLogger(__name__)

ECHO_SECONDS: Final = 0.5
"""The same signal within this time is an echo: a terminal, make and a master may all pass on one Ctrl-C."""


def stop_event() -> threading.Event:
    """Give the event that the first SIGTERM or SIGINT sets; called once, from the main thread."""
    stop = threading.Event()
    # An event must not be set by a signal handler: the main thread may hold the event's lock at that
    # moment, in `wait`, and would never get out.  A SimpleQueue is made for being interrupted.
    arrived: SimpleQueue[int] = SimpleQueue()
    first: dict[int, float] = {}

    def receive(number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - first.setdefault(number, now) > ECHO_SECONDS:
            os._exit(128 + number)
        arrived.put(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, receive)
    threading.Thread(target=_pass_on, args=(arrived, stop), name="signals", daemon=True).start()
    return stop


def _pass_on(arrived: "SimpleQueue[int]", stop: threading.Event) -> None:
    while True:
        number = arrived.get()
        if not stop.is_set():
            log.info("%s received, finishing", signal.Signals(number).name)
        stop.set()
