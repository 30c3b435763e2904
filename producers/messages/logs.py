"""Log lines of instances, in batches."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Annotated, ClassVar, Final, Literal, Self, cast
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field, PrivateAttr, ValidationError

from ..errors import InvalidMessage
from ..message import Message, Part
from ..queues import Queue
from ..text import MendedJsonObject, cut
from .fields import InstanceId

MAX_LINE: Final = 65_536
MAX_LINES: Final = 1_000

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


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that travelled although it does not fit the contract, with its place in the batch, from 1."""

    number: int
    problem: str
    line: object


class LogsEmitted(Message):
    """Instances printed these lines.

    Whoever makes one is told of a wrong line; whoever receives one keeps the good lines and names the wrong ones.
    """

    wire_name: ClassVar[str] = "logs.emitted.v1"
    queue: ClassVar[Queue] = Queue.LOGS
    bulk_queue: ClassVar[Queue | None] = Queue.LOGS_BULK

    lines: list[LogLine] = Field(
        min_length=1, max_length=MAX_LINES, description="Lines of any instances, in any order."
    )
    _refused: Sequence[RefusedLine] = PrivateAttr(default=())

    def sources(self) -> Mapping[UUID, int]:
        """Tell how many lines are of which instance."""
        return Counter(line.instance_id for line in self.lines)

    @property
    def refused(self) -> Sequence[RefusedLine]:
        """Give the lines that did not fit when the message was received; they are not among ``lines``."""
        return self._refused

    def numbered(self) -> Iterator[tuple[int, LogLine]]:
        """Give every good line with its place in the batch as it travelled, from 1."""
        refused = {each.number for each in self._refused}
        return zip((number for number in count(1) if number not in refused), self.lines, strict=False)

    @classmethod
    def received(cls, payload: object, *, message_id: str) -> Self:
        """Rebuild a message; a line that does not fit is refused alone, unless the rest does not fit either."""
        try:
            return super().received(payload, message_id=message_id)
        except InvalidMessage:
            if not isinstance(payload, dict):
                raise
            fields = cast("dict[str, object]", payload)
            travelled = fields.get("lines")
            if not isinstance(travelled, list):
                raise
            lines = cast("list[object]", travelled)
            if not 1 <= len(lines) <= MAX_LINES:
                raise
            good, refused = _sorted_out(lines)
            if not refused:
                raise
        # Only the rest is left to judge; a batch without one good line is a batch too.
        frame = super().received({**fields, "lines": [_STAND_IN]}, message_id=message_id)
        return frame.with_lines(good, refused)

    def with_lines(self, lines: Sequence[LogLine], refused: Sequence[RefusedLine]) -> Self:
        """Give the message with these lines, and with those that it was received with and that do not fit."""
        self._refused = tuple(refused)
        return self.model_copy(update={"lines": list(lines)})


_STAND_IN: Final = LogLine(instance_id=UUID(int=0), timestamp=datetime.fromtimestamp(0, UTC), message="")


def _sorted_out(lines: Sequence[object]) -> tuple[list[LogLine], list[RefusedLine]]:
    good: list[LogLine] = []
    refused: list[RefusedLine] = []
    for number, line in enumerate(lines, start=1):
        try:
            good.append(LogLine.model_validate(line))
        except ValidationError as error:
            refused.append(RefusedLine(number, str(InvalidMessage.from_validation("the line", error)), line))
    return good, refused
