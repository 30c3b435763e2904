"""Log lines of instances, in batches."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from ..batch import Batch
from ..message import Part
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


class LogsEmitted(Batch[LogLine]):
    """Instances printed these lines.

    Whoever makes one is told of a wrong line; whoever receives one keeps the good lines and names the wrong ones.
    """

    wire_name: ClassVar[str] = "logs.emitted.v1"
    queue: ClassVar[Queue] = Queue.LOGS
    bulk_queue: ClassVar[Queue | None] = Queue.LOGS_BULK
    part: ClassVar[type[Part]] = LogLine
    carried_in: ClassVar[str] = "lines"
    called: ClassVar[str] = "the line"
    most: ClassVar[int] = MAX_LINES

    lines: list[LogLine] = Field(
        min_length=1, max_length=MAX_LINES, description="Lines of any instances, in any order."
    )

    def sources(self) -> Mapping[UUID, int]:
        """Tell how many lines are of which instance."""
        return Counter(line.instance_id for line in self.lines)
