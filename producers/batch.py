"""Messages that carry many parts: a wrong one is refused alone, its neighbours stay."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import ClassVar, Generic, Self, TypeVar, cast

from pydantic import PrivateAttr, ValidationError

from .errors import InvalidMessage
from .message import Message, Part

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A part that travelled although it does not fit the contract, with its place in the batch, from 1."""

    number: int
    problem: str
    line: object


class Batch(Message, Generic[P]):
    """Base of the messages that carry many parts.

    Whoever makes one is told of a wrong part; whoever receives one keeps the good ones and names the wrong ones.
    """

    part: ClassVar[type[Part]]
    """What it carries."""
    carried_in: ClassVar[str]
    """The field that carries them."""
    called: ClassVar[str]
    """What a part is called in a problem."""
    most: ClassVar[int]
    """How many it may carry."""

    _refused: Sequence[RefusedLine] = PrivateAttr(default=())

    @property
    def refused(self) -> Sequence[RefusedLine]:
        """Give the parts that did not fit when the message was received; they are not among the good ones."""
        return self._refused

    def numbered(self) -> Iterator[tuple[int, P]]:
        """Give every good part with its place in the batch as it travelled, from 1."""
        refused = {each.number for each in self._refused}
        good = cast("Sequence[P]", getattr(self, self.carried_in))
        return zip((number for number in count(1) if number not in refused), good, strict=False)

    @classmethod
    def received(cls, payload: object, *, message_id: str) -> Self:
        """Rebuild a message; a part that does not fit is refused alone, unless the rest does not fit either."""
        try:
            return super().received(payload, message_id=message_id)
        except InvalidMessage:
            travelled = cls._travelled(payload)
            good, refused = cls._sorted_out(travelled)
            if not refused:
                raise
        # Only the rest is left to judge; a batch without one good part is a batch too.
        fields = cast("dict[str, object]", payload)
        stand_in = cls.part.model_construct()
        frame = super().received({**fields, cls.carried_in: [stand_in]}, message_id=message_id)
        return frame.with_lines(good, refused)

    def with_lines(self, lines: Sequence[P], refused: Sequence[RefusedLine]) -> Self:
        """Give the message with these parts, and with those that it was received with and that do not fit."""
        self._refused = tuple(refused)
        return self.model_copy(update={self.carried_in: list(lines)})

    @classmethod
    def _travelled(cls, payload: object) -> list[object]:
        fields = cast("dict[str, object]", payload) if isinstance(payload, dict) else {}
        parts = fields.get(cls.carried_in)
        if not isinstance(parts, list):
            return []
        travelled = cast("list[object]", parts)
        return travelled if len(travelled) <= cls.most else []

    @classmethod
    def _sorted_out(cls, parts: Sequence[object]) -> tuple[list[P], list[RefusedLine]]:
        good: list[P] = []
        refused: list[RefusedLine] = []
        for number, part in enumerate(parts, start=1):
            try:
                good.append(cast("P", cls.part.model_validate(part)))
            except ValidationError as error:
                refused.append(RefusedLine(number, str(InvalidMessage.from_validation(cls.called, error)), part))
        return good, refused
