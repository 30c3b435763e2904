"""What a scheduler is told when it starts."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class SchedulerSettings:
    """Made once in the entry point; nothing below it reads the environment."""

    redis_url: str = field(repr=False)

    catch_up: timedelta = timedelta(days=2)
    """How far back a tick that was missed while no scheduler ran is looked for."""
