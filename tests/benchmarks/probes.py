"""Ten thousand servers, each checked every thirty seconds by one worker process, and a tenth of them hanging."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Final

from embedded.ports import free_port

from .figures import Repetition, at_most, figure
from .processes import Running
from .stage import Stage, until
from .statistics import percentile

TARGETS: Final = 10_000
INTERVAL: Final = 30.0
HANGING: Final = 0.1
WINDOWS: Final = 3

_SETTING: Final = (
    f"one process `python -m workers`, {TARGETS:,} dedicated instances on 200 loopback addresses, each checked every"
    f" {INTERVAL:.0f} s over a connection of its own (server/discover, and tools/list every 5 min)"
)
_PEERS: Final = "a loop over chunks of ten that waits for all ten, with the same probes, in the same run"
_INSTANCES: Final = b"""
WITH person AS (
    INSERT INTO users (email, name) VALUES ('bench-probes@example.org', 'bench') RETURNING id
), born AS (
    INSERT INTO mcp_instances (user_id, mcp_type_id, host_id, status, access_token_hash, assigned_port, access_url,
                               expires_at)
    SELECT person.id, (SELECT id FROM mcp_types ORDER BY id LIMIT 1), 'probed-' || n, 'running',
           lpad(to_hex(n), 64, '0'), 4000, 'http://127.0.1.' || n %% 200 + 1 || ':' || %(port)s || '/well/' || n,
           now() + interval '1 day'
      FROM person, generate_series(0, %(count)s - 1) AS n
    RETURNING id
)
INSERT INTO health_targets (id, kind, mcp_instance_id, interval_seconds, failure_threshold, next_check_at)
SELECT id, 'instance', id, %(interval)s, 1000000, now() + interval '5 seconds' + random() * interval '30 seconds'
  FROM born
"""
_HANG: Final = b"""
UPDATE mcp_instances SET access_url = replace(access_url, '/well/', '/hang/')
 WHERE host_id LIKE 'probed-%%' AND split_part(host_id, '-', 2)::integer %% %(each)s = 0
"""
_HEAL: Final = b"""
UPDATE mcp_instances SET access_url = replace(access_url, '/hang/', '/well/') WHERE host_id LIKE 'probed-%%'
"""
_CHECKS: Final = b"""
SELECT extract(epoch FROM c.checked_at - c.scheduled_at) - c.response_ms / 1000 FROM health_checks c
 WHERE c.scheduled_at BETWEEN %(since)s AND %(until)s AND c.response_ms IS NOT NULL
"""
_UNCHECKED: Final = b"""
SELECT count(*) FROM health_targets t
 WHERE NOT EXISTS (SELECT FROM health_checks c
                    WHERE c.target_id = t.id AND c.scheduled_at BETWEEN %(since)s AND %(until)s)
   AND t.next_check_at IS NOT NULL AND t.kind = 'instance'
"""


@dataclass(frozen=True)
class Window:
    """What one interval of checks showed; delays are seconds from the slot to the first byte of the question."""

    delays: Sequence[float]
    core_share: float
    memory_mb: float

    @property
    def p99(self) -> float:
        """Give the delay that one in a hundred exceeds."""
        return percentile(self.delays, 99)

    def told(self) -> dict[str, float]:
        """Give the raw values of a repetition."""
        return {
            "median_s": median(self.delays),
            "p99_s": self.p99,
            "max_s": max(self.delays),
            "core_share": self.core_share,
            "memory_mb": self.memory_mb,
            "checks": float(len(self.delays)),
        }


@dataclass(frozen=True)
class Run:
    """The same fleet when all is well and when a tenth hangs, and what the loop of peers made of it."""

    well: list[Window]
    hanging: list[Window]
    peers_well: list[float]
    peers_hanging: list[float]


@figure(
    target=at_most(2),
    unit="s",
    compares=f"99th percentile of the time from a slot to the question, {_SETTING}; peers_p99_s: {_PEERS}, from the"
    " begin of the round",
)
def probe_start_delay_p99_s(stage: Stage) -> Iterator[Repetition]:
    """Tell how late checks begin."""
    run = _run(stage)
    for window in run.well:
        yield {"value": window.p99, **window.told(), "peers_p99_s": percentile(run.peers_well, 99)}


@figure(
    target=at_most(1 / 3),
    unit="cores",
    compares=f"CPU time of the worker process, all threads, over the time that passed, {_SETTING}; memory is its"
    " resident set",
)
def probe_core_share(stage: Stage) -> Iterator[Repetition]:
    """Tell what checking costs."""
    for window in _run(stage).well:
        yield {"value": window.core_share, **window.told()}


@figure(
    target=at_most(10),
    unit="%",
    compares=f"by how much the median delay of the others grows when {HANGING:.0%} of the targets take the connection"
    f" and never answer (timeout 5 s), {_SETTING}; peers_percent: the same of {_PEERS}, which gets {INTERVAL:.0f} s",
)
def probe_hang_effect(stage: Stage) -> Iterator[Repetition]:
    """Tell whether dead targets delay the living."""
    run = _run(stage)
    peers = _growth(median(run.peers_well), median(run.peers_hanging))
    for before, after in zip(run.well, run.hanging, strict=True):
        told = {"p99_before_s": before.p99, "p99_after_s": after.p99, "core_share": after.core_share}
        yield {"value": _growth(median(before.delays), median(after.delays)), **told, "peers_percent": peers}


def _growth(before: float, after: float) -> float:
    return (after - before) / before * 100


@cache
def _run(stage: Stage) -> Run:
    """Measure once for all three figures: the fleet needs a minute to settle."""
    port, count = free_port(), stage.count(TARGETS)
    with ExitStack() as running:
        fleet = running.enter_context(stage.program("tests.benchmarks.programs.fleet", str(port)).running())
        until(lambda: fleet.check() and "listening" in fleet.log.read_text(encoding="utf-8"), "starting the fleet")
        peers = [_peers(stage, port, hanging) for hanging in (0.0, HANGING)]
        stage.sql.execute(_INSTANCES, {"port": port, "count": count, "interval": INTERVAL})
        stage.sql.execute(b"ANALYZE")
        worker = running.enter_context(stage.workers("--threads", "4").running())
        until(lambda: worker.check() and stage.living_workers() == 1, "starting the worker")
        well, hanging = list[Window](), list[Window]()
        # In turn, so that what else the machine is at is the same for both.
        for _ in range(stage.repetitions(WINDOWS)):
            stage.sql.execute(_HEAL, {})
            well.append(_window(stage, worker))
            stage.sql.execute(_HANG, {"each": round(1 / HANGING)})
            hanging.append(_window(stage, worker))
    stage.sql.execute(b"DELETE FROM users WHERE email = 'bench-probes@example.org'")
    return Run(well, hanging, *peers)


def _window(stage: Stage, worker: Running) -> Window:
    # The first interval meets every server, or finds out that it hangs or does no more.
    time.sleep(stage.seconds(INTERVAL) + 8)
    worker.check()
    ((since,),) = stage.sql.execute(b"SELECT now()").fetchall()
    begun, before = time.monotonic(), worker.cpu_seconds()
    time.sleep(INTERVAL)
    share = (worker.cpu_seconds() - before) / (time.monotonic() - begun)
    ((until_,),) = stage.sql.execute(b"SELECT now()").fetchall()
    time.sleep(7)  # what hangs until its timeout is recorded
    bounds = {"since": since, "until": until_}
    ((unchecked,),) = stage.sql.execute(_UNCHECKED, bounds).fetchall()
    if unchecked:
        raise ValueError(f"{unchecked} targets were not checked within an interval")
    delays = [float(delay) for (delay,) in stage.sql.execute(_CHECKS, bounds)]
    return Window(delays, share, worker.memory_mb())


def _peers(stage: Stage, port: int, hanging: float) -> list[float]:
    count, seconds = stage.count(TARGETS), stage.seconds(INTERVAL)
    command = stage.program("tests.benchmarks.programs.chunks", str(port), str(count), str(hanging), str(seconds))
    ended = subprocess.run(
        command.command, cwd=command.root, env=dict(command.environment), capture_output=True, text=True, check=True
    )
    waits: list[float] = json.loads(ended.stdout)
    return waits
