"""No process looks alive with a dead thread in it."""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from .liveness import SignOfLife

log: Final = logging.getLogger(__name__)

THREAD_DIED: Final = 70
"""Exit code of a process that ended itself because a thread of it had died (EX_SOFTWARE)."""

PERIOD_SECONDS: Final = 1.0


class ThreadWatch:
    """Looks at the threads each second, says that the process lives, and ends it when one is dead."""

    def __init__(
        self,
        service: str,
        threads: Callable[[], Iterable[threading.Thread]],
        *,
        folder: Path | None = None,
        leave: Callable[[int], object] = os._exit,
    ) -> None:
        self._threads = threads
        self._sign = SignOfLife(service, folder)
        self._leave = leave
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Say that the process lives, and look from now on."""
        self._sign.open()
        self.step()
        self._thread.start()

    def stop(self) -> None:
        """Look no more: the process is about to end its threads itself."""
        self._stopped.set()
        self._thread.join()
        self._sign.remove()

    def step(self) -> None:
        """Look once."""
        threads = list(self._threads())
        dead = [thread.name for thread in threads if not thread.is_alive()]
        self._say(f"alive threads: {len(threads)}", dead)
        if dead:
            log.critical("the thread %s is dead, so this process ends", ", ".join(dead))
            self._end()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(PERIOD_SECONDS):
                self.step()
        except Exception:
            log.critical("the threads cannot be watched any more, so this process ends", exc_info=True)
            self._end()

    def _say(self, state: str, dead: list[str]) -> None:
        try:
            self._sign.write(state, dead)
        except OSError as error:
            # A full disk must not end a worker; the silence shows in the liveness command.
            log.warning("the liveness file cannot be written: %s", error)

    def _end(self) -> None:
        # Not sys.exit: it would only end this thread, and a clean end could wait for the dead one.
        for handler in logging.getLogger().handlers:
            handler.flush()
        self._leave(THREAD_DIED)
