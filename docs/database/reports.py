"""What the page says of views and functions."""

from collections.abc import Iterable, Sequence
from typing import Final

from tests.migrations.catalog import Row

from .markdown import code, paragraphs, table
from .sections import rights
from .tables import Table, short

_INVOKER: Final = "security_invoker=true"
_RUNS: Final = {
    True: "Runs with the rights of whoever asks, so row level security holds in it.",
    False: "Runs with the rights of the owner; it tells of tables and not of rows.",
}

_UNCALLED: Final = {True: "triggers only", False: "the owner alone"}


def views(tables: Iterable[Table]) -> str:
    """Write each view with its columns and who may read it."""
    found = [subject for subject in tables if subject.relation["kind"] in "vm"]
    return paragraphs(*(_view(subject) for subject in found))


def functions(found: Sequence[Row]) -> str:
    """Write each function with what it gives, whose rights it has, and who may call it."""
    told = (
        [
            code(f"{short(row['schema'] + '.' + row['bare_name'])}({short(row['arguments'])})"),
            code(short(row["result"])),
            row["comment"],
            "owner" if row["security_definer"] else "caller",
            ", ".join(code(grant.rpartition(" to ")[2]) for grant in row["grants"])
            or _UNCALLED[row["result"] == "trigger"],
        ]
        for row in found
    )
    return table(["function", "returns", "what it does", "runs as", "who may call it"], told)


def _view(subject: Table) -> str:
    kind = (
        "Computed ahead." if subject.relation["kind"] == "m" else _RUNS[_INVOKER in (subject.relation["options"] or [])]
    )
    told = table(["column", "type", "what it is"], _cells(subject))
    return paragraphs(f"### `{subject.name}`", f"{subject.purpose}. {kind}", told, f"**Rights** {rights(subject)}")


def _cells(subject: Table) -> Iterable[tuple[str, str, str]]:
    return ((code(row["bare_name"]), short(row["type"]), row["comment"]) for row in subject.columns)
