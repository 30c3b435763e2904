"""MiniMCP at work on real servers: ``python -m demo``; ``make demo`` also builds what it needs.

With DATABASE_ADMIN_URL (or DATABASE_URL) and REDIS_URL in the environment it plays on those servers.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Final

import psycopg

from db.errors import DatabaseError
from embedded import ServerNotStarted
from producers import ProducerError
from tests.mcp_servers import programs, running

from . import story
from .narrator import Narrator
from .processes import leftovers
from .stage import DemoFailed, Stage

_TROUBLES: Final = (
    DemoFailed,
    DatabaseError,
    ProducerError,
    ServerNotStarted,
    programs.NotInstalled,
    running.ServerNotStarted,
    psycopg.Error,
    OSError,
)
_PARTING_SECONDS: Final = 5.0


class Interrupted(BaseException):
    """Somebody asked the demo to end; carries the number of the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main(arguments: list[str] | None = None) -> int:
    """Play the demo; 0 if everything it promises was seen, 1 after a sentence that says what was not."""
    argparse.ArgumentParser(prog="python -m demo", description=__doc__).parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    narrator = Narrator()
    # A server that is killed may still write while its folder is being removed.
    with tempfile.TemporaryDirectory(prefix="minimcp-demo-", ignore_cleanup_errors=True) as folder:
        stage = Stage(Path(folder))
        code = play(stage, narrator)
        outlived = sweep(stage)
    if outlived and not code:
        narrator.fail(f"these processes outlived it and were killed: {', '.join(outlived)}", "")
        return 1
    if not code:
        narrator.prove("No process of the demo is left running.")
    return code


def play(stage: Stage, narrator: Narrator) -> int:
    """Tell the story on the stage, and clear the stage whatever happens."""
    try:
        with stage:
            story.tell(stage, narrator)
    except _TROUBLES as trouble:
        narrator.fail(str(trouble), stage.last_words)
        return 1
    except Interrupted as interruption:
        name = signal.Signals(interruption.number).name
        narrator.say(f"{name}: the demo ended early, and with it everything that it had started.")
        return 128 + interruption.number
    return 0


def sweep(stage: Stage) -> list[str]:
    """Kill what outlives the stage, and name it; there should be nothing."""
    deadline = time.monotonic() + _PARTING_SECONDS
    while (left := leftovers(stage.mark)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        process.kill()
    return [str(process.pid) for process in left]


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


if __name__ == "__main__":
    sys.exit(main())
