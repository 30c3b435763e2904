"""A child process stops when its master is gone, however the master went."""

import logging
import os
import threading
from typing import Final

log: Final = logging.getLogger(__name__)


class Lifeline(threading.Thread):
    """Waits for the end of a pipe whose writing end only the master holds, then asks the process to stop."""

    def __init__(self, descriptor: int, stop: threading.Event) -> None:
        super().__init__(name="lifeline", daemon=True)
        self._descriptor = descriptor
        self._finish = stop

    def run(self) -> None:
        """Wait for the pipe to close; nothing is ever written to it."""
        while os.read(self._descriptor, 1):
            pass
        if not self._finish.is_set():
            log.warning("the master is gone, finishing")
        self._finish.set()
