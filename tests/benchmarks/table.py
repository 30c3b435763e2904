"""What people see: progress while it works, and the table at its end."""

import time
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from .figures import Figure, Outcome, Repetition

_VERDICTS: Final = {True: "[green]met", False: "[red]missed", None: ""}


class Progress:
    """Says which figure is measured and what each repetition gave, line by line, so that a log reads well too."""

    def __init__(self, figure: Figure) -> None:
        self._figure = figure
        self._repetitions = 0
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        print(f"{self._figure.name} …", flush=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        print(f"  {time.monotonic() - self._started:.0f} s", flush=True)

    def note(self, repetition: Repetition) -> None:
        """Say what a repetition gave."""
        self._repetitions += 1
        raw = ", ".join(f"{name} {_number(value)}" for name, value in repetition.items() if name != "value")
        print(f"  {self._repetitions}: {_number(repetition['value'])} {self._figure.unit}  ({raw})", flush=True)


def print_table(outcomes: Sequence[Outcome], machine: Mapping[str, Any], *, quick: bool) -> None:
    """Print the values with their targets and spreads, and below what was compared with what."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for column in ("figure", "value", "target", "", "min to max", "n"):
        table.add_column(column, no_wrap=True, justify="right" if column in {"value", "n"} else "left")
    for outcome in outcomes:
        table.add_row(*_row(outcome, quick=quick))
    console = Console(highlight=False)
    console.print(table)
    for outcome in outcomes:
        console.print(f"[bold]{outcome.figure.name}[/]: {outcome.problem or outcome.figure.compares}.")
    console.print(_surroundings(machine))
    if quick:
        console.print("A quick run shows that measuring works; its values mean nothing.")


def print_list(figures: Iterable[Figure]) -> None:
    """Print what each figure is."""
    for figure in figures:
        print(f"{figure.name}  {figure.target or ''}\n    {figure.compares}")


def _row(outcome: Outcome, *, quick: bool) -> tuple[str, ...]:
    figure = outcome.figure
    target = str(figure.target or "")
    if outcome.value is None or outcome.problem:
        return figure.name, "", target, "[yellow]none", "", ""
    verdict = "" if quick else _VERDICTS[outcome.met]
    spread = f"{_number(min(outcome.values))} to {_number(max(outcome.values))}"
    return figure.name, f"{_number(outcome.value)} {figure.unit}", target, verdict, spread, str(len(outcome.values))


def _surroundings(machine: Mapping[str, Any]) -> str:
    memory = machine["memory_bytes"] / 2**30
    return (
        f"\n{machine['cores']} cores ({machine['model']}), {memory:.0f} GiB, Python {machine['python']},"
        f" {machine['postgres']}, {machine['valkey']}, Dramatiq {machine['dramatiq']};"
        f" load at the end {machine['load']}"
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
