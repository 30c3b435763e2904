"""What a figure is: a name, a target, what is compared with what, and how it is measured."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .stage import Stage

Repetition = Mapping[str, float]
"""The raw values of one repetition; ``value`` is the one that the figure is made of."""


class Skipped(Exception):
    """The figure cannot be measured on this machine; the sentence says what is missing."""


@dataclass(frozen=True)
class Target:
    """The bound that the value must keep."""

    sign: str
    bound: float

    def met_by(self, value: float) -> bool:
        """Tell whether a value keeps the bound."""
        return value >= self.bound if self.sign == "≥" else value <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


def at_least(bound: float) -> Target:
    """Make the target of a figure where more is better."""
    return Target("≥", bound)


def at_most(bound: float) -> Target:
    """Make the target of a figure where less is better."""
    return Target("≤", bound)


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``compares`` says what against what."""

    name: str
    compares: str
    unit: str
    target: Target | None
    measure: "Callable[[Stage], Iterable[Repetition]]"


@dataclass(frozen=True)
class Outcome:
    """What was measured of a figure, or why nothing was."""

    figure: Figure
    repetitions: Sequence[Repetition] = ()
    problem: str | None = None
    failed: bool = False

    @property
    def value(self) -> float | None:
        """Give the median of the repetitions, which one disturbance does not move."""
        values = self.values
        return median(values) if values else None

    @property
    def values(self) -> list[float]:
        """Give the value of each repetition."""
        return [repetition["value"] for repetition in self.repetitions]

    @property
    def met(self) -> bool | None:
        """Tell whether the target is met; None without a target or a value."""
        if self.figure.target is None or self.value is None:
            return None
        return self.figure.target.met_by(self.value)


FIGURES: Final[dict[str, Figure]] = {}
"""Every figure by its name, in the order of the table."""


def figure(
    *, compares: str, target: Target | None = None, unit: str = "times"
) -> "Callable[[Callable[[Stage], Iterable[Repetition]]], Figure]":
    """Enter a function that gives repetitions as the figure of its name."""

    def enter(measure: "Callable[[Stage], Iterable[Repetition]]") -> Figure:
        entered = Figure(measure.__name__, compares, unit, target, measure)
        FIGURES[entered.name] = entered
        return entered

    return enter
