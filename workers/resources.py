"""What a worker process owns besides its database: things that actors use outside a transaction."""

from dataclasses import dataclass

from .probes.prober import Prober


@dataclass(frozen=True)
class Resources:
    """Made once by the composition root; threads share it."""

    prober: Prober

    def close(self) -> None:
        """Give everything back."""
        self.prober.close()
