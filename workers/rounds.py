"""The rounds: each worker process claims the checks that are due, has them probed, and records what was found."""

import logging
import os
import queue
import random
import socket
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from db.engine import Database
from db.errors import DatabaseError, DatabaseUnavailable, DataRefused
from db.repositories.health import HealthReportRow
from db.repositories.targets import Claim
from db.unit_of_work import UnitOfWork
from producers import Probe, Verdict

from . import verdicts
from .probes.errors import ProberStopped
from .probes.finding import Finding
from .probes.prober import Prober
from .probes.process import look_at
from .probes.target import ProcessTarget, Target
from .transactor import Transactor

log: Final = logging.getLogger(__name__)

PERIOD_SECONDS: Final = (0.4, 0.8)
IDLE_SECONDS: Final = (1.4, 2.2)
"""How long a process rests that has nothing in hand, for it is paid for when there is nothing to check at all."""

AHEAD_SECONDS: Final = 2.0
"""Slots are claimed so long before their time, so that a check begins in its slot and not with the next look."""

MOST_CLAIMS: Final = 500

IN_HAND: Final = 4
"""Claims for each place of the prober: most wait for their second or to be recorded, and take no place.

Ten thousand targets every 30 s are 900 claims, of which few are asked; a tenth of them hanging adds 250.
"""

# What passes between the two readings is no error of a clock.
_TOLERATED: Final = timedelta(seconds=1)


class Rounds(threading.Thread):
    """One thread of each worker process; the claims say which checks are whose.

    A process that dies leaves its claims behind, which are void as soon as it has fallen silent.
    """

    def __init__(self, database: Database, prober: Prober, *, host_id: str | None = None) -> None:
        super().__init__(name="rounds", daemon=True)
        self.id = uuid4()
        self._transactions = Transactor(database)
        self._prober = prober
        self._host_id = host_id
        self._stopping = threading.Event()
        self._claims: dict[UUID, Claim] = {}
        self._found: queue.SimpleQueue[tuple[UUID, Finding]] = queue.SimpleQueue()
        self._unrecorded: list[tuple[Claim, Finding]] = []
        self._clock_error = timedelta()
        self._complaint = ""

    def run(self) -> None:
        """Step again and again until stopped."""
        while not self._stopping.wait(self._rest()):
            self.step()

    def _rest(self) -> float:
        bounds = PERIOD_SECONDS if self._claims else IDLE_SECONDS
        return random.uniform(*bounds)  # noqa: S311  jitter, not a secret

    def step(self) -> None:
        """Record what was found and claim what is due; a database that is away is tried again at the next step."""
        try:
            self.record()
            self.claim()
        except DatabaseError as error:
            self._complain(error)
        except ProberStopped as error:
            log.debug("nothing more is checked: %s", error)

    def _complain(self, error: DatabaseError) -> None:
        """Say once that nothing is checked, and why; an outage is told by whoever waits for its end."""
        is_news = str(error) != self._complaint and not isinstance(error, DatabaseUnavailable)
        log.log(
            logging.WARNING if is_news else logging.DEBUG, "the checks could not go on, they are tried again: %s", error
        )
        self._complaint = str(error)

    def claim(self) -> int:
        """Take what is due and begin to check it; says how many."""
        claims = self._transactions.run(self._claimed)
        if claims:
            self._clock_error = clock_error(claims[0], datetime.now(UTC))
        self._claims.update({claim.target_id: claim for claim in claims})
        own, others = [claim for claim in claims if claim.url is None], [claim for claim in claims if claim.url]
        self._unrecorded += [(claim, _look_at_process(claim)) for claim in own]
        self._prober.begin([(claim.due_in, _target(claim)) for claim in others], self._note)
        return len(claims)

    def record(self) -> int:
        """Write down what was found since; says how many."""
        while not self._found.empty():
            target_id, finding = self._found.get()
            if target_id in self._claims:
                self._unrecorded.append((self._claims[target_id], finding))
        found = self._unrecorded[:MOST_CLAIMS]
        if found:
            self._record(found)
            for claim, _ in found:
                self._claims.pop(claim.target_id, None)
            del self._unrecorded[: len(found)]
        return len(found)

    def stop(self) -> None:
        """End the thread, record what was found until now, and leave the rest to others at once."""
        self._stopping.set()
        if self.is_alive():
            self.join(10)
        try:
            self.record()
            self._transactions.run(lambda uow: uow.probers.leave(self.id))
        except DatabaseError as error:
            log.debug("the claims of this process are void when it has been silent for a while: %s", error)

    def _claimed(self, uow: UnitOfWork) -> list[Claim]:
        hostname = socket.gethostname()
        uow.probers.beat(self.id, host_id=self._host_id, hostname=hostname, process_id=os.getpid())
        room = min(MOST_CLAIMS, IN_HAND * self._prober.concurrency - len(self._claims))
        return uow.targets.claim(self.id, ahead=AHEAD_SECONDS, limit=room) if room > 0 else []

    def _note(self, target: Target, finding: Finding) -> None:
        self._found.put((target.id, finding))

    def _record(self, found: Sequence[tuple[Claim, Finding]]) -> None:
        try:
            self._transactions.run(lambda uow: _recorded(found, self._clock_error, uow))
        except DataRefused as error:
            # Whichever it is, it must not keep its neighbours from being recorded.
            if len(found) == 1:
                log.warning("the check of target %s is not recorded: %s", found[0][0].target_id, error)
                return
            for one in found:
                self._record([one])


def clock_error(claim: Claim, received_at: datetime) -> timedelta:
    """Give by how much the clock of this process is ahead of the database's, which is what slots are told by."""
    error = received_at - (claim.slot - timedelta(seconds=claim.due_in))
    return error if abs(error) > _TOLERATED else timedelta()


def _recorded(found: Sequence[tuple[Claim, Finding]], error: timedelta, uow: UnitOfWork) -> None:
    verdicts.record([_row(claim, finding, error) for claim, finding in found], uow)
    verdicts.note_offers(_offers(found), uow)


def _offers(found: Iterable[tuple[Claim, Finding]]) -> list[verdicts.Offered]:
    return [
        verdicts.Offered(claim.target_id, claim.server_id, finding.offer)
        for claim, finding in found
        # A server that has lost its tools shall be known by those it had.
        if finding.offer is not None and finding.verdict is not Verdict.TOOLS_MISSING
    ]


def _target(claim: Claim) -> Target:
    return Target(
        id=claim.target_id,
        url=claim.url or "",
        probe=Probe.HTTP if claim.kind == "service" else Probe.MCP,
        timeout_seconds=claim.timeout_seconds,
        is_ours=claim.is_ours,
        lists=claim.lists,
        resources=claim.lists and claim.kind == "server",
        expects_tools=claim.expects_tools,
    )


def _look_at_process(claim: Claim) -> Finding:
    if claim.process_id is None or claim.process_started_at is None:
        return Finding(Verdict.UNREACHABLE, "It has no address and no process.")
    return look_at(ProcessTarget(claim.process_id, claim.process_started_at))


def _row(claim: Claim, finding: Finding, error: timedelta) -> HealthReportRow:
    return HealthReportRow(
        target_id=claim.target_id,
        scheduled_at=claim.slot,
        verdict=finding.verdict,
        checked_at=finding.checked_at - error,
        response_ms=finding.response_ms,
        error=finding.error,
        era=finding.era,
    )
