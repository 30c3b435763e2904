"""Where answers go: standard output, whose reader may leave at any time, and so may whoever asked."""

import os
import sys
from collections.abc import Callable
from typing import Final

STOPPED: Final = 130
"""The exit code of what Ctrl-C ended, as shells have it."""


def answered(answer: Callable[[], int]) -> int:
    """Give the exit code of what prints an answer; Ctrl-C and a reader who has enough end it without a word."""
    code = 0
    try:
        code = answer()
        # Now, while it can be told apart from a fault; a process may also have been started without standard output.
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
