"""The life of an instance: its states, and which transition leads from which state to which.

Repositories build their statements from this table, and the documents draw it, so neither can differ from it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where an instance is in its life; ``DELETED`` is told by ``deleted_at`` and is final."""

    PENDING = "pending"
    RUNNING = "running"
    EXPIRED = "expired"
    DISCONNECTED = "disconnected"
    ERROR = "error"
    DELETED = "deleted"


LIVE: Final = (State.PENDING, State.RUNNING)
"""The states in which an instance holds its port."""

ENDED: Final = (State.EXPIRED, State.DISCONNECTED, State.ERROR)
"""The states from which an instance may be restored."""


@dataclass(frozen=True)
class Transition:
    """One compare-and-set: from one of its origins to its target, told by an event."""

    name: str
    origins: tuple[State, ...]
    target: State
    event: str
    cause: str
    by_tick: bool = False

    @property
    def ends_lease(self) -> bool:
        """Tell whether the instance gives its port back."""
        return self.target not in LIVE


START: Final = Transition("start", (State.PENDING,), State.RUNNING, "started", "InstanceStarted")
RENEW: Final = Transition("renew", (State.RUNNING,), State.RUNNING, "renewed", "RenewInstance")
FAIL: Final = Transition("fail", LIVE, State.ERROR, "error", "InstanceFailed")
GIVE_UP: Final = Transition("give_up", (State.PENDING,), State.ERROR, "error", "never started in time", by_tick=True)
DISCONNECT: Final = Transition("disconnect", LIVE, State.DISCONNECTED, "disconnected", "InstanceDisconnected")
RECONNECT: Final = Transition("reconnect", (State.DISCONNECTED,), State.RUNNING, "reconnected", "InstanceReconnected")
EXPIRE: Final = Transition("expire", LIVE, State.EXPIRED, "expired", "its time is over", by_tick=True)
RESTORE: Final = Transition("restore", ENDED, State.PENDING, "restored", "RestoreInstance")
DELETE: Final = Transition("delete", (*LIVE, *ENDED), State.DELETED, "deleted", "DeleteInstance")

TRANSITIONS: Final = (START, RENEW, FAIL, GIVE_UP, DISCONNECT, RECONNECT, EXPIRE, RESTORE, DELETE)
"""All of them; an instance begins as pending, or as error when it cannot have a port."""
