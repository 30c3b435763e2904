"""Run one server, pass on the signals its owner writes, and end it when the owner is gone.

Called as `keeper.py OPTIONS COMMAND…`, both sides of the talk being pipes: the keeper prints the
server's pid, and each byte on its standard input is the number of a signal for the server.  The
end of the input means that the owner died, however it died, so a killed test run leaves nothing.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Options:
    """Who runs the server, what it inherits, and which signals end it, the gentle ones first."""

    endings: tuple[int, ...]
    inherited: tuple[int, ...] = ()
    user: int | None = None

    def dump(self) -> str:
        """Write the options as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> "Options":
        """Read what `dump` wrote."""
        fields = json.loads(text)
        return cls(tuple(fields["endings"]), tuple(fields["inherited"]), fields["user"])


def keep(command: Sequence[str], options: Options) -> int:
    """Run the command until it ends; return its exit code."""
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        pass_fds=options.inherited,
        user=options.user,
        group=options.user,
        extra_groups=None if options.user is None else [],
    )
    print(server.pid, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: end_in_background(server, options.endings))
    threading.Thread(target=obey, args=(server, options.endings), daemon=True).start()
    return server.wait()


def obey(server: subprocess.Popen[bytes], endings: Sequence[int]) -> None:
    """Deliver each signal the owner asks for; end the server when the owner is gone."""
    while number := os.read(sys.stdin.fileno(), 1):
        server.send_signal(number[0])
    end(server, endings)


def end_in_background(server: subprocess.Popen[bytes], endings: Sequence[int]) -> None:
    """Start ending the server without blocking the signal handler this is called from."""
    threading.Thread(target=end, args=(server, endings), daemon=True).start()


def end(server: subprocess.Popen[bytes], endings: Sequence[int]) -> None:
    """Ask with each signal in turn and wait a little after each."""
    for number in endings:
        server.send_signal(number)
        try:
            server.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    sys.exit(keep(sys.argv[2:], Options.load(sys.argv[1])) != 0)
