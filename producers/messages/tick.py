"""What the scheduler says: it is time."""

from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, Field

from .. import message_id as ids
from ..message import Message


class Tick(Message):
    """Base of the ticks: every scheduler gives the same fire time the same message id."""

    fire_time: AwareDatetime = Field(description="The moment of the timetable that this tick stands for.")
    next_fire_time: AwareDatetime | None = Field(
        default=None, description="When the timetable says that the next one is due, by which a late one is missed."
    )

    @classmethod
    def at(cls, fire_time: datetime, *, next_fire_time: datetime | None = None) -> Self:
        """Make the tick of a fire time."""
        return cls(
            message_id=ids.of_tick(cls.wire_name, fire_time),
            occurred_at=fire_time,
            fire_time=fire_time,
            next_fire_time=next_fire_time,
        )

    def continued(self, **fields: object) -> Self:
        """Make the next part of what this tick began; the same on every delivery."""
        return self.model_copy(update={**fields, "message_id": ids.derived(self.message_id, 1)})
