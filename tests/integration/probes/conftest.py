"""A prober, and ways to ask it about one server."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from uuid import UUID, uuid4

import pytest

from embedded.ports import free_port
from producers import Probe
from workers.probes.finding import Finding
from workers.probes.prober import Prober
from workers.probes.target import Target

Ask = Callable[..., Finding]

# One instance per test: the probes remember whom they met.
_INSTANCE = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def target(
    url: str,
    probe: Probe = Probe.MCP,
    *,
    timeout_seconds: float = 5.0,
    instance_id: UUID | None = None,
    **more: bool,
) -> Target:
    """Make a target at an address that we chose ourselves."""
    return Target(instance_id or uuid4(), url, probe, timeout_seconds, is_ours=more.pop("is_ours", True), **more)


def until(condition: Callable[[], object]) -> None:
    """Wait until something is true, ten seconds at most."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def prober() -> Iterator[Prober]:
    with closing(Prober()) as prober:
        yield prober


@pytest.fixture
def ask_mcp(prober: Prober) -> Ask:
    """Probe one URL over MCP, always as the same instance."""

    def ask(url: str, *, timeout_seconds: float = 5.0) -> Finding:
        due = target(url, timeout_seconds=timeout_seconds, instance_id=_INSTANCE)
        return prober.check([due])[0]

    return ask


@pytest.fixture
def ask_http(prober: Prober) -> Ask:
    """Probe one URL with a plain GET."""

    def ask(url: str, *, timeout_seconds: float = 5.0) -> Finding:
        return prober.check([target(url, Probe.HTTP, timeout_seconds=timeout_seconds)])[0]

    return ask


@pytest.fixture
def port() -> int:
    return free_port()
