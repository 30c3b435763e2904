"""Shared services from files into the registry, with a report of every entry that is not as the file says."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from db.definitions import Definition, Skipped, newest
from db.engine import Database
from db.errors import DataRefused
from db.printable import printable
from db.reading import read
from db.rehearsal import rehearsable
from db.repositories.services import Namesake, Registered
from db.unit_of_work import UnitOfWork

_TAKEN = "uq_service_registry_port"
_NO_VALUE = "23502"


@dataclass
class Imported:
    """What became of each entry."""

    is_rehearsal: bool
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
        uow.services.hold_ports()
        for each in found:
            _register(uow, each, report)
    return report


def _register(uow: UnitOfWork, each: Definition | Skipped, report: Imported) -> None:
    if isinstance(each, Skipped):
        report.skip(each.source, each.reason)
        return
    try:
        with uow.savepoint():
            outcome = uow.services.register(each)
    except DataRefused as refused:
        report.skip(each.source, f"{each.name}: {_reason(refused, each)}")
        return
    if isinstance(outcome, Namesake):
        report.skip(each.source, f"{each.name} would be called {each.service_type}, as {outcome.name} is")
        return
    report.outcomes[outcome] += 1
    for note in each.notes:
        report.note(each.source, f"{each.name}: {note}")


def _reason(refused: DataRefused, definition: Definition) -> str:
    if refused.constraint == _TAKEN:
        return f"port {definition.port} belongs to another service"
    if refused.sqlstate == _NO_VALUE and definition.port is None:
        return "no port is free: give it one, or delete services that nobody uses"
    return f"refused by {refused.constraint}" if refused.constraint else refused.sentence
