"""What a worker process owns besides its database: things that actors use outside a transaction."""

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

    def close(self) -> None:
        """Give everything back."""
        self.prober.close()
