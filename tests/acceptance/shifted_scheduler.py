"""Runs a scheduler whose clock is so many seconds ahead as the file says that SHIFT_FILE names."""

import os
import sys
from datetime import datetime, tzinfo
from pathlib import Path

from apscheduler.schedulers import base

import scheduler.__main__
from scheduler import clock, jumps

SHIFT = Path(os.environ["SHIFT_FILE"])


class Shifted(datetime):
    """What a wrong clock shows."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "Shifted":
        return cls.fromtimestamp(datetime.now(tz).timestamp() + float(SHIFT.read_text(encoding="utf-8")), tz)


for module in (base, clock, jumps):
    vars(module)["datetime"] = Shifted
sys.exit(scheduler.__main__.main([]))
