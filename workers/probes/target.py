"""What the probes are asked to look at."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from producers import Probe


@dataclass(frozen=True, slots=True)
class Target:
    """A server to ask; its conversation is kept under its id.

    ``is_ours`` says that we chose its address ourselves, so that it may be a private one.  ``lists`` has it asked for
    its tools too, and ``resources`` for its resources; ``expects_tools`` says that it had some.
    """

    id: UUID
    url: str
    probe: Probe = Probe.MCP
    timeout_seconds: float = 5.0
    is_ours: bool = False
    lists: bool = False
    resources: bool = False
    expects_tools: bool = False


@dataclass(frozen=True, slots=True)
class ProcessTarget:
    """A process of this host; with the moment of its start its id names it for ever."""

    process_id: int
    started_at: datetime
