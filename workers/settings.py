"""What a worker pool is told when it starts."""

from dataclasses import dataclass, field
from datetime import timedelta

from db.encryption import KeyRing
from db.settings import DatabaseSettings

from .probes.settings import ProbeSettings


@dataclass(frozen=True)
class WorkerSettings:
    """Made once in the entry point; nothing below it reads the environment."""

    redis_url: str = field(repr=False)
    database: DatabaseSettings
    master_keys: KeyRing = field(default_factory=lambda: KeyRing({}), repr=False)
    processes: int = 1
    threads: int = 8
    queues: frozenset[str] = frozenset()
    """The queues to work on; none means all."""

    probes: ProbeSettings = field(default_factory=ProbeSettings)
    host_id: str | None = None
    """The host whose processes this pool can look at, as instances call it; none means that it looks at none."""

    drain: timedelta = timedelta(seconds=30)
    """How long messages in hand may take to finish after SIGTERM."""
