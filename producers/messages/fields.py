"""Fields that several messages have."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from ..text import Name

InstanceId = Annotated[UUID, Field(description="The instance; whoever asked for it chose the id.")]

ShareId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]{7,99}$",
        description="The user's share of a service; random, for who knows it may use the service.",
    ),
]

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

ServerId = Annotated[Name, Field(description="The server; whoever registered it chose the id.")]

TenantId = Annotated[Name, Field(max_length=64, description="The tenant.")]
