"""Work that takes longer than one message: its next part is put by in the transaction of the present one.

So each part is done once, no worker holds it for minutes, and whoever dies in between leaves the next part behind.
"""

from datetime import UTC, datetime

from db.unit_of_work import UnitOfWork
from producers import Message
from producers.envelope import seal


def go_on(following: Message, uow: UnitOfWork) -> None:
    """Have a message delivered once the transaction is committed, by the janitor of whichever worker is first."""
    uow.redeliveries.postpone(
        following.message_id,
        queue=following.queue.value,
        wire_name=following.wire_name,
        envelope=seal(following).decode(),
        state="delayed",
        attempts=0,
        due_at=datetime.now(UTC),
        error=None,
    )
