"""Messages that come late, doubled and in any order, for models of what becomes of them."""

from abc import abstractmethod
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from producers import Message
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import delivered
from workers.applier import EARLY_ATTEMPTS, Applier


class LateAndDoubled(RuleBasedStateMachine):
    """Delivers messages at once or late, some of them again; each counts for the model once."""

    database: TestDatabase
    apply: Applier

    def __init__(self) -> None:
        super().__init__()
        self.held: list[Message] = []
        self.sent: list[Message] = []
        self.seen = set[UUID]()

    @abstractmethod
    def follow(self, message: Message) -> None:
        """Have the model do what the message says."""

    def tell(self, message: Message, *, late: bool) -> None:
        """Deliver a message now, or hold it for later."""
        if late:
            self.held.append(message)
        else:
            self.deliver(message)

    def deliver(self, message: Message) -> None:
        """Deliver a message; what it lacks shall not come later."""
        self.apply(delivered(message, attempts=EARLY_ATTEMPTS))
        self.sent.append(message)
        if message.message_id not in self.seen:
            self.seen.add(message.message_id)
            self.follow(message)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def tell_late(self, data: st.DataObject) -> None:
        message = data.draw(st.sampled_from(self.held))
        self.held.remove(message)
        self.deliver(message)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self.deliver(data.draw(st.sampled_from(self.sent)))


def agree(machine: type[LateAndDoubled], database: TestDatabase, applier: Applier) -> None:
    """Have a model and a database go through many lives; fail where they part."""
    bound = type(machine.__name__, (machine,), {"database": database, "apply": staticmethod(applier)})
    shown = settings(
        max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run(bound, settings=shown)
