"""What a worker pool is told when it starts."""

from dataclasses import dataclass, field
from datetime import timedelta

from db.encryption import KeyRing
from db.settings import DatabaseSettings

from .sealing import SealingKeys


@dataclass(frozen=True)
class WorkerSettings:
    """Made once in the entry point; nothing below it reads the environment."""

    redis_url: str = field(repr=False)
    database: DatabaseSettings
    master_keys: KeyRing = field(default_factory=lambda: KeyRing({}), repr=False)
    sealing_keys: SealingKeys = field(default_factory=SealingKeys)
    processes: int = 1
    threads: int = 8
    queues: frozenset[str] = frozenset()
    """The queues to work on; none means all."""

    drain: timedelta = timedelta(seconds=30)
    """How long messages in hand may take to finish after SIGTERM."""
