"""What can go wrong with a probe.

ProbeError                 a target is not healthy; carries the verdict and a sentence for people
├── Unreachable            no connection, or it was closed before an answer came
├── TimedOut               no complete answer within the target's timeout
├── AuthRequired           alive, behind an auth wall
└── ProtocolBroken         answers, but not what the protocol asks for
ProberStopped              the prober was closed or its thread died: no fault of any target
"""

from typing import ClassVar

from producers import Verdict


class ProbeError(Exception):
    """A target is not healthy; the message is one sentence without secrets."""

    verdict: ClassVar[Verdict]


class Unreachable(ProbeError):
    """No connection could be made, or it was closed before an answer came."""

    verdict = Verdict.UNREACHABLE


class TimedOut(ProbeError):
    """The target did not answer completely within its timeout."""

    verdict = Verdict.TIMEOUT


class AuthRequired(ProbeError):
    """The target is alive and asks who we are."""

    verdict = Verdict.AUTH_REQUIRED

    def __init__(self, status: int) -> None:
        super().__init__(f"Asks for credentials (HTTP {status}).")


class ProtocolBroken(ProbeError):
    """The target answers, but not what the protocol asks for."""

    verdict = Verdict.PROTOCOL_ERROR


class ProberStopped(Exception):
    """The prober was closed, or its thread died: check again in another process."""
