"""Log lines of instances, in batches."""

from typing import Annotated, ClassVar, Final, Literal

from pydantic import AwareDatetime, BeforeValidator, Field

from ..message import Message, Part
from ..queues import Queue
from ..text import MendedJsonObject, cut
from .fields import InstanceId

MAX_LINE: Final = 65_536

Level = Literal["debug", "info", "warn", "error"]
Source = Literal["process", "system", "api"]


class LogLine(Part):
    """One line that an instance printed.

    Processes print NUL bytes and broken Unicode every day: a line is mended, not refused, for them.
    """

    instance_id: InstanceId
    timestamp: AwareDatetime = Field(description="When it was printed.")
    level: Level = Field(default="info", description="How serious it is.")
    source: Source = Field(default="process", description="Who printed it.")
    message: Annotated[str, BeforeValidator(cut(MAX_LINE))] = Field(
        description=f"The line; at most {MAX_LINE:,} characters of it are kept."
    )
    metadata: MendedJsonObject = Field(default_factory=dict, description="Whatever belongs to the line.")


class LogsEmitted(Message):
    """Instances printed these lines."""

    wire_name: ClassVar[str] = "logs.emitted.v1"
    queue: ClassVar[Queue] = Queue.LOGS

    lines: list[LogLine] = Field(min_length=1, max_length=1_000, description="Lines of any instances, in any order.")
