"""Two sides measured in turn, so that what disturbs the machine disturbs both."""

from collections.abc import Callable, Iterator

from .figures import Repetition

Rate = Callable[[], float]


def in_turn(repetitions: int, *, left: tuple[str, Rate], right: tuple[str, Rate]) -> Iterator[Repetition]:
    """Measure two sides in the order A B B A A B …; the value of a repetition is left over right."""
    for repetition in range(repetitions):
        order = (left, right) if repetition % 2 == 0 else (right, left)
        rates = {name: measure() for name, measure in order}
        yield {"value": rates[left[0]] / rates[right[0]], left[0]: rates[left[0]], right[0]: rates[right[0]]}
