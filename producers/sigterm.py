"""Lets a program that is asked to stop send what it still has."""

import signal
import sys
from types import FrameType

_STOPPED = 128 + signal.SIGTERM


def exit_on_sigterm() -> None:
    """Have SIGTERM end this program as ``sys.exit`` does, so that buffers are closed; call it in the main thread.

    A program that handles the signal itself keeps its handler: it closes its buffers when it ends.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    del number, frame
    sys.exit(_STOPPED)
