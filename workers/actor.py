"""How an actor is written: a contract, a function of the message and the unit of work, nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from db.unit_of_work import UnitOfWork
from producers import Message

from .delivery import Delivery
from .resources import Resources

M = TypeVar("M", bound=Message)
P = TypeVar("P")

Apply = Callable[[P, UnitOfWork], None]
Prepare = Callable[[M, Resources], P]
ApplyAll = Callable[[Sequence[P], UnitOfWork], None]
Locks = Callable[[P], "Lock"]
Read = Callable[[Delivery], P]


class Identified(Protocol):
    """A message, or what an actor with a reader of its own makes of one."""

    @property
    def message_id(self) -> UUID:
        """Name it for ever."""


class Table(Enum):
    """Tables whose rows groups lock beforehand."""

    USERS = "users"
    INSTANCES = "mcp_instances"


class Lock(NamedTuple):
    """The row that a transaction locks first."""

    table: Table
    row: UUID


@dataclass(frozen=True)
class Actor(Generic[M, P]):
    """Applies the messages of one contract.

    ``prepare`` does what must not happen inside a transaction, such as asking a server how it is;
    it turns the message into what is applied.  ``locks`` names the row that its transaction
    locks first; small messages that say so are applied in groups, in the order in which they came.
    ``apply_all`` applies any number of messages in a statement or two; without ``locks`` their order
    does not matter.  ``read`` makes something else of a delivery than the contract does, and refuses what
    the contract refuses.  An actor that ``appends`` locks nothing for long, so that messages of any size share.
    """

    contract: type[M]
    apply: Apply[P]
    prepare: Prepare[M, P] | None = None
    locks: Locks[P] | None = None
    apply_all: ApplyAll[P] | None = None
    read: Read[P] | None = None
    appends: bool = False

    def received(self, delivery: Delivery) -> M | P:
        """Read a delivery; raise ``InvalidMessage`` when it does not fit the contract."""
        if self.read is not None:
            return self.read(delivery)
        return self.contract.received(delivery.payload, message_id=delivery.message_id)

    @property
    def shares(self) -> str | None:
        """Say with which other messages a transaction may be shared: those of which this says the same."""
        if self.locks is not None:
            return "small"
        return None if self.apply_all is None else self.contract.wire_name

    def apply_run(self, messages: Sequence[P], uow: UnitOfWork) -> None:
        """Apply messages that came one after the other."""
        if self.apply_all is not None:
            self.apply_all(messages, uow)
            return
        for message in messages:
            self.apply(message, uow)

    def prepared(self, message: M, resources: Resources) -> P | M:
        """Give what is to be applied."""
        return message if self.prepare is None else self.prepare(message, resources)


AnyActor = Actor[Any, Any]


def actor(contract: type[M], *, locks: Locks[M] | None = None) -> Callable[[Apply[M]], Actor[M, M]]:
    """Make a function the actor of a contract; it runs in the transaction that claims the message.

    With ``locks`` that transaction is shared with other small messages that were fetched together.
    """
    return lambda apply: Actor(contract, apply, locks=locks)


def set_actor(contract: type[M], *, locks: Locks[M] | None = None) -> Callable[[ApplyAll[M]], Actor[M, M]]:
    """Make a function of many messages the actor of a contract whose messages may be applied as a set.

    Without ``locks`` the set is all that were fetched together, with them those between which nothing else came.
    """

    def enter(apply_all: ApplyAll[M]) -> Actor[M, M]:
        return Actor(contract, lambda message, uow: apply_all([message], uow), locks=locks, apply_all=apply_all)

    return enter


def appending_actor(contract: type[M], read: Read[P]) -> Callable[[ApplyAll[P]], Actor[M, P]]:
    """Make a function the actor of a contract whose messages only add rows, applied to what ``read`` makes of them."""

    def enter(apply_all: ApplyAll[P]) -> Actor[M, P]:
        return Actor(contract, lambda read, uow: apply_all([read], uow), apply_all=apply_all, read=read, appends=True)

    return enter


def prepared_actor(contract: type[M], prepare: Prepare[M, P]) -> Callable[[Apply[P]], Actor[M, P]]:
    """Make a function the actor of a contract, applied to what ``prepare`` makes of the message."""
    return lambda apply: Actor(contract, apply, prepare)
