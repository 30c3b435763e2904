"""Shared services from files into the registry, with a report of every entry that is not as the file says."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from db.definitions import Definition, Skipped, newest
from db.engine import Database
from db.printable import printable
from db.reading import read
from db.refusals import ServiceRefused
from db.registering import register
from db.rehearsal import rehearsable
from db.repositories.services import Registered
from db.unit_of_work import UnitOfWork


@dataclass
class Imported:
    """What became of each entry."""

    is_rehearsal: bool
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    outcomes: Counter[Registered] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)

    def skip(self, source: str, reason: str) -> None:
        """Add an entry that is not imported; files may hold anything, also what no terminal should get."""
        self.skipped.append(Skipped(printable(source), printable(reason)))

    def note(self, source: str, note: str) -> None:
        """Add what of an entry is not as the file says."""
        self.notes.append((printable(source), printable(note)))

    def facts(self) -> dict[str, object]:
        """Give the report for programs."""
        return {
            "dry_run": self.is_rehearsal,
            **{outcome: self.outcomes[outcome] for outcome in ("new", "changed", "unchanged")},
            "skipped": [{"source": each.source, "reason": each.reason} for each in self.skipped],
            "notes": [{"source": source, "note": note} for source, note in self.notes],
        }

    def sentences(self) -> Iterator[str]:
        """Give the report for people."""
        yield from (f"skipped  {each.source}: {each.reason}" for each in self.skipped)
        yield from (f"note     {source}: {note}" for source, note in self.notes)
        counts = ", ".join(f"{self.outcomes[outcome]} {outcome}" for outcome in ("new", "changed", "unchanged"))
        verb = "would be" if self.is_rehearsal else "are"
        yield f"{self.outcomes.total()} services {verb} registered ({counts}); {len(self.skipped)} entries are skipped."


def import_services(database: Database, path: Path, *, is_rehearsal: bool = False) -> Imported:
    """Register what the file or folder defines, all in one transaction; a bad entry does not stop the others."""
    report = Imported(is_rehearsal)
    # Ports that are asked for come first: else one that was given out could be in their way.
    found = sorted(newest(read(path)), key=lambda each: isinstance(each, Definition) and each.port is None)
    with rehearsable(database, is_rehearsal=is_rehearsal) as uow:
        for each in found:
            _register(uow, each, report)
    return report


def _register(uow: UnitOfWork, each: Definition | Skipped, report: Imported) -> None:
    if isinstance(each, Skipped):
        report.skip(each.source, each.reason)
        return
    try:
        outcome = register(uow, each, said_at=report.started_at)
    except ServiceRefused as refused:
        report.skip(each.source, refused.sentence)
        return
    if outcome == "outdated":
        report.skip(each.source, f"{each.name}: something newer was said of it")
        return
    report.outcomes[outcome] += 1
    for note in each.notes:
        report.note(each.source, f"{each.name}: {note}")
