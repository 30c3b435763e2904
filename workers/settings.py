"""What a worker pool is told when it starts."""

from dataclasses import dataclass, field
from datetime import timedelta

from archives.place import Place
from db.encryption import KeyRing
from db.master_keys import MasterKeys
from db.pepper import Pepper
from db.settings import DatabaseSettings

from .probes.settings import ProbeSettings
from .sealing import SealingKeys


@dataclass(frozen=True)
class WorkerSettings:
    """Made once in the entry point; nothing below it reads the environment."""

    redis_url: str = field(repr=False)
    database: DatabaseSettings
    master_keys: MasterKeys = field(default_factory=lambda: KeyRing({}), repr=False)
    key_pepper: Pepper | None = None
    sealing_keys: SealingKeys = field(default_factory=SealingKeys)
    processes: int = 1
    threads: int = 8
    queues: frozenset[str] = frozenset()
    """The queues to work on; none means all."""

    probes: ProbeSettings = field(default_factory=ProbeSettings)
    host_id: str | None = None
    """The host whose processes this pool can look at, as instances call it; none means that it looks at none."""

    archives: Place | None = None
    """Where partitions are archived; without it those that must be are kept and told of."""

    drain: timedelta = timedelta(seconds=30)
    """How long messages in hand may take to finish after SIGTERM."""

    @property
    def lacks_for_keys(self) -> list[str]:
        """Name the settings without which messages that carry keys cannot be applied."""
        given = {
            "MASTER_KEYS": self.master_keys.check_values(),
            "SEALING_KEYS": self.sealing_keys,
            "KEY_PEPPER": self.key_pepper,
        }
        return [name for name, value in given.items() if not value]
