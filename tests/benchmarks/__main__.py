"""Measure the figures: ``python -m tests.benchmarks [--only NAME ...] [--list] [--quick]``."""

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from . import (
    audit,
    bus,
    fairness,
    idle,
    indexes,
    ingest,
    maintenance,
    memory,
    months,
    outbox,
    probes,
    retention,
    transactions,
)
from .figures import FIGURES, Figure, Outcome, Repetition, Skipped
from .record import entry, machine, write
from .stage import ROOT, Stage
from .table import Progress, print_list, print_table

FAMILIES = (
    *(bus, outbox, transactions, ingest, memory, months, fairness, maintenance, retention, audit),
    *(idle, probes, indexes),
)
"""Importing a family enters its figures."""

GROUPS: Final = {
    "retention": ["retention_wal_vs_delete", "retention_time_vs_delete"],
    "audit": ["audit_insert_last_vs_first", "audit_month_retention_s"],
    "indexes": list(indexes.NAMES),
    "probes": ["probe_start_delay_p99_s", "probe_core_share", "probe_hang_effect"],
}
"""Figures that can be asked for by one name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for; 1 when a figure could not be measured, whatever the values are."""
    options = _parser().parse_args(arguments)
    figures = [FIGURES[name] for chosen in options.only or FIGURES for name in GROUPS.get(chosen, [chosen])]
    if options.list:
        print_list(figures)
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    with Stage(quick=options.quick) as stage:
        outcomes = [_measured(figure, stage) for figure in figures]
    surroundings = machine()
    write(options.output, [entry(outcome, surroundings, quick=options.quick) for outcome in outcomes])
    print_table(outcomes, surroundings, quick=options.quick)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _measured(figure: Figure, stage: Stage) -> Outcome:
    repetitions: list[Repetition] = []
    with Progress(figure) as progress:
        try:
            for repetition in figure.measure(stage):
                repetitions.append(repetition)
                progress.note(repetition)
        except Skipped as skipped:
            return Outcome(figure, problem=str(skipped))
        except Exception as error:  # noqa: BLE001  the other figures are still worth measuring
            traceback.print_exc()
            return Outcome(figure, repetitions, problem=f"{type(error).__name__}: {error}", failed=True)
    return Outcome(figure, repetitions)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # An exception, so that every process and server is ended on the way out.
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=(*FIGURES, *GROUPS), help="these only")
    parser.add_argument("--list", action="store_true", help="say what the figures are, and measure nothing")
    parser.add_argument("--quick", action="store_true", help="few messages, once: shows that measuring works")
    parser.add_argument("--output", type=Path, default=ROOT / "bench.json", metavar="FILE", help="default bench.json")
    return parser


if __name__ == "__main__":
    sys.exit(main())
