"""Log lines of instances, in batches."""

from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from ..message import Message, Part
from ..queues import Queue
from ..text import MendedJsonObject, mended

MAX_LINE: Final = 65_536
_TRUNCATED: Final = "… [truncated]"

Level = Literal["debug", "info", "warn", "error"]
Source = Literal["process", "system", "api"]


def _line(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = mended(value)
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - len(_TRUNCATED)] + _TRUNCATED


class LogLine(Part):
    """One line that an instance printed; at most 65,536 characters are kept.

    Processes print NUL bytes and broken Unicode every day: a line is mended, not refused, for them.
    """

    instance_id: UUID
    timestamp: AwareDatetime
    level: Level = "info"
    source: Source = "process"
    message: Annotated[str, BeforeValidator(_line)]
    metadata: MendedJsonObject = Field(default_factory=dict)


class LogsEmitted(Message):
    """Instances printed these lines."""

    wire_name: ClassVar[str] = "logs.emitted.v1"
    queue: ClassVar[Queue] = Queue.LOGS

    lines: Annotated[list[LogLine], Field(min_length=1, max_length=1_000)]
