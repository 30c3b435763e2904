"""What a worker process owns besides its database: things that actors use outside a transaction."""

from dataclasses import dataclass, field

from db.encryption import KeyRing

from .probes.prober import Prober
from .sealing import SealingKeys


@dataclass(frozen=True)
class Resources:
    """Made once by the composition root; threads share it."""

    prober: Prober
    master_keys: KeyRing = field(default_factory=lambda: KeyRing({}), repr=False)
    sealing_keys: SealingKeys = field(default_factory=SealingKeys)

    def close(self) -> None:
        """Give everything back."""
        self.prober.close()
