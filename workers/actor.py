"""How an actor is written: a contract, a function of the message and the unit of work, nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from db.unit_of_work import UnitOfWork
from producers import Message

from .resources import Resources

M = TypeVar("M", bound=Message)
P = TypeVar("P", bound=Message)

Apply = Callable[[P, UnitOfWork], None]
Prepare = Callable[[M, Resources], P]
Locks = Callable[[P], "Lock"]


class Table(IntEnum):
    """Tables whose rows small messages lock, in the order in which every transaction locks them."""

    USERS = 1
    INSTANCES = 2


class Lock(NamedTuple):
    """The row that a transaction locks first; locks sort into the order in which to take them."""

    table: Table
    row: UUID


@dataclass(frozen=True)
class Actor(Generic[M, P]):
    """Applies the messages of one contract.

    ``prepare`` does what must not happen inside a transaction, such as asking a server how it is;
    it turns the message into the one that is applied.  ``locks`` names the row that its transaction
    locks first; small messages that say so are applied in groups.
    """

    contract: type[M]
    apply: Apply[P]
    prepare: Prepare[M, P] | None = None
    locks: Locks[P] | None = None

    def prepared(self, message: M, resources: Resources) -> P | M:
        """Give the message that is to be applied."""
        return message if self.prepare is None else self.prepare(message, resources)


AnyActor = Actor[Any, Any]


def actor(contract: type[M], *, locks: Locks[M] | None = None) -> Callable[[Apply[M]], Actor[M, M]]:
    """Make a function the actor of a contract; it runs in the transaction that claims the message.

    With ``locks`` that transaction is shared with other small messages that were fetched together.
    """
    return lambda apply: Actor(contract, apply, locks=locks)


def prepared_actor(contract: type[M], prepare: Prepare[M, P]) -> Callable[[Apply[P]], Actor[M, P]]:
    """Make a function the actor of a contract, applied to what ``prepare`` makes of the message."""
    return lambda apply: Actor(contract, apply, prepare)
