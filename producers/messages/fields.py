"""Fields that several messages have."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from ..text import Name

InstanceId = Annotated[UUID, Field(description="The instance; whoever asked for it chose the id.")]

HostId = Annotated[Name, Field(description="The host that runs the instance's process.")]

Slot = Annotated[
    AwareDatetime,
    Field(
        description=(
            "The slot of the check; per instance a slot counts once."
            " At most 10 minutes after the moment of the message id."
        )
    ),
]
