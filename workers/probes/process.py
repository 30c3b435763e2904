"""The process probe: whether a process of this host is alive, told from its namesakes and from its corpse."""

import os
from pathlib import Path
from typing import Final

from producers import Verdict

from .finding import Finding
from .target import ProcessTarget

PROC: Final = Path("/proc")

# A start is reported by whoever started it, by the clock of the host; /proc counts in ticks from the boot.
_TOLERANCE_SECONDS: Final = 5.0
_ZOMBIE: Final = "Z"
_DEAD: Final = "X"
_STATE, _STARTED = 0, 19  # the third and the 22nd field of proc(5), counted from the third


def look_at(target: ProcessTarget, proc: Path = PROC) -> Finding:
    """Say whether the process lives; a zombie is dead, and so is one whose id somebody else has now."""
    number = target.process_id
    try:
        fields = (proc / str(number) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        begun = _booted_at(proc) + int(fields[_STARTED]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return _gone(f"Its process {number} is gone.")
    if fields[_STATE] in {_ZOMBIE, _DEAD}:
        return _gone(f"Its process {number} is a zombie: it has ended, and nobody took note.")
    if abs(begun - target.started_at.timestamp()) > _TOLERANCE_SECONDS:
        return _gone(f"Its process {number} is gone; another one has that id now.")
    return Finding(Verdict.UP)


def _gone(sentence: str) -> Finding:
    return Finding(Verdict.UNREACHABLE, sentence)


def _booted_at(proc: Path) -> float:
    for line in (proc / "stat").read_text(encoding="utf-8").splitlines():
        if line.startswith("btime "):
            return float(line.split()[1])
    return 0.0
