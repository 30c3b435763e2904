"""What a worker process owns besides its database: things that actors use outside a transaction."""

import threading
from dataclasses import dataclass, field

from db.keeping import Vault

from .probes.prober import Prober
from .sealing import SealingKeys


@dataclass(frozen=True)
class Resources:
    """Made once by the composition root; threads share it."""

    prober: Prober
    sealing_keys: SealingKeys = field(default_factory=SealingKeys)
    vault: Vault = field(default_factory=Vault)
    archive_wanted: threading.Event | None = None
    """Wakes who archives; nobody does without a place for archives."""

    def close(self) -> None:
        """Give everything back."""
        self.prober.close()
