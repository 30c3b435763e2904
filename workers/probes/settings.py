"""How much one worker process may spend on probing."""

from dataclasses import dataclass
from pathlib import Path

from .addresses import PUBLIC_ONLY, Policy


@dataclass(frozen=True)
class ProbeSettings:
    """Made once by the composition root; every limit holds per worker process."""

    concurrency: int = 512
    """Targets asked at the same moment; a target that hangs holds one place for its timeout."""

    body_limit: int = 64 * 1024
    """Bytes of an answer that are read before it is judged."""

    listing_limit: int = 1024 * 1024
    """Bytes of a list of tools or resources; a longer one is not read."""

    redirect_limit: int = 3
    """Redirects that are followed before the target is called broken."""

    degraded_share: float = 0.5
    """A target that needs more than this share of its timeout is degraded."""

    # Longer than one conversation, shorter than the keep-alive of the usual servers (uvicorn and
    # Node.js: 5 s): a connection is never reused in the moment in which its server closes it, and
    # ten thousand targets do not hold ten thousand descriptors between two rounds.
    idle_seconds: float = 1.0
    """How long a connection stays open for the next request to the same server."""

    conversation_limit: int = 20_000
    """Servers whose era and session are remembered; the one asked longest ago is forgotten."""

    farewell_seconds: float = 3.0
    """How long ``close`` may take to end the sessions that servers keep for us."""

    policy: Policy = PUBLIC_ONLY
    """Which private addresses a URL that somebody registered may lead to."""

    ca_file: Path | None = None
    """Certificates to trust besides those of the system."""
