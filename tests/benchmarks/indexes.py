"""What each index of the specifications is worth: a question with it and without it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from tests.crowd import number_of_rows

from .comparison import in_turn
from .figures import FIGURES, Figure, Repetition
from .index_work import WORDS, WORK
from .stage import LONG, Stage

_REPETITIONS: Final = 3


def _measure(table: str, index: str, question: str, stage: Stage) -> Iterator[Repetition]:
    """Compare a question with an index and without it; all others stay, so one that has a twin is worth nothing.

    What such a one would be worth without the others is the raw value ``alone_times``.
    """
    shelf = stage.shelf
    shelf.take(table)
    reads = index in shelf.indexes_read(question)
    with shelf.without(index):
        twins = shelf.indexes_read(question)
    print(f"  without it the planner reads {', '.join(sorted(twins)) or 'the whole table'}")

    def with_it() -> float:
        return 1 / shelf.seconds(question)

    def without_it() -> float:
        with shelf.without(index):
            return 1 / shelf.seconds(question)

    def alone() -> dict[str, float]:
        with shelf.only(index):
            served = shelf.seconds(question)
            with shelf.without(index):
                return {"alone_times": shelf.seconds(question) / served}

    sides = {"left": ("with_per_s", with_it), "right": ("without_per_s", without_it)}
    for repetition in in_turn(stage.repetitions(_REPETITIONS), **sides):
        yield {**repetition, "planner_reads_it": float(reads), **(alone() if twins else {})}


def _enter(table: str, index: str, question: str) -> None:
    compares = f"{number_of_rows(table, LONG):,} rows in {table}, with the index against without it: {question}"
    measure: Callable[[Stage], Iterator[Repetition]] = partial(_measure, table, index, question)
    FIGURES[index] = Figure(index, compares, "times", None, measure)


NAMES: Final = tuple(index for questions in WORK.values() for index in questions)

for _table, _questions in WORK.items():
    for _index, _question in _questions.items():
        _enter(_table, _index, _question.format_map(WORDS))
