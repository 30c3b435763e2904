"""What the page says of one table."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tests.migrations.catalog import Row

from . import expressions
from .fleet import EXPECTED
from .markdown import code, link, paragraphs, table
from .retention import Retention
from .tables import Reference, Table, short

_ENDS: Final = {
    "CASCADE": "is deleted with it",
    "SET NULL": "stays without it",
    "RESTRICT": "keeps it from being deleted",
}
_TRIGGER: Final = re.compile(r"CREATE (?:CONSTRAINT )?TRIGGER (\w+) (.*?) ON .* EXECUTE FUNCTION (.*)$", re.DOTALL)
_GIVEN: Final = {"a": "counts up by itself", "d": "counts up unless given"}


def section(subject: Table, tables: Mapping[str, Table], retention: Retention | None) -> str:
    """Write a table's columns, indexes, rules, relationships, policies and rights."""
    rows = EXPECTED[subject.name]
    expected = rows.expected(retention.days if retention else None)
    return paragraphs(
        f"### `{subject.name}`",
        f"{subject.purpose}. Planned for {expected} rows: {rows.because}.",
        columns(subject),
        _labelled("Indexes", _indexes(subject)),
        _labelled("Rules", _rules(subject)),
        _labelled("Relationships", "\n".join(_relationships(subject, tables.values()))),
        _labelled("Row level security", _policies(subject)),
        _labelled("Partitions", _partitions(subject, retention), between=" "),
        _labelled("Triggers", "; ".join(_triggers(subject)), between=" "),
        _labelled("Rights", rights(subject), between=" "),
    )


def columns(subject: Table) -> str:
    """Write the columns with their types, whether they may be NULL, and what they are when nobody says."""
    told = ([code(row["bare_name"]), short(row["type"]), *_given(row), row["comment"]] for row in subject.columns)
    return table(["column", "type", "NULL", "default", "what it is"], told)


def rights(subject: Table) -> str:
    """Write who but the owner may do what, with the columns where it is not all of them."""
    whole = [_granted(grant) for grant in subject.relation["grants"]]
    parts: dict[tuple[str, str], list[str]] = {}
    for column in subject.columns:
        for grant in column["grants"]:
            parts.setdefault(_granted(grant), []).append(column["bare_name"])
    told = [
        *(f"{code(role)} {may}" for role, may in sorted(whole)),
        *(f"{code(role)} {may} of {', '.join(names)}" for (role, may), names in sorted(parts.items())),
    ]
    return "; ".join(told) + "." if told else "None but the owner's."


def _given(row: Row) -> tuple[str, str]:
    default = row["default"]
    if row["identity"]:
        return "no", _GIVEN[row["identity"]]
    if row["generated"]:
        default = f"always {expressions.readable(default)}"
    return "no" if row["not_null"] else "yes", code(expressions.readable(default or ""))


def _granted(grant: str) -> tuple[str, str]:
    may, _, role = grant.rpartition(" to ")
    return role, may


def _indexes(subject: Table) -> str:
    told = ([code(row["bare_name"]), _on(row), row["comment"] or _constrained(subject, row)] for row in subject.indexes)
    return table(["index", "on", "purpose"], told)


def _on(row: Row) -> str:
    return ("unique " if row["is_unique"] else "") + code(expressions.indexed(row["definition"]))


def _constrained(subject: Table, row: Row) -> str:
    kinds = {constraint["bare_name"]: constraint["kind"] for constraint in subject.constraints}
    return {"p": "Primary key", "u": "No two rows are alike in this"}[kinds[row["bare_name"]]]


def _rules(subject: Table) -> str:
    told = (
        [code(row["bare_name"]), code(expressions.check(row["definition"]))]
        for row in subject.constraints
        if row["kind"] == "c"
    )
    return table(["constraint", "demands"], told)


def _relationships(subject: Table, tables: Iterable[Table]) -> Iterator[str]:
    for reference in subject.references:
        through, name = ", ".join(map(code, reference.columns)), code(reference.name)
        yield f"* Belongs to {link(reference.target)} through {through}: {_end(reference)} ({name})."
    coming = [reference for other in tables for reference in other.references if reference.target == subject.name]
    if coming:
        names = sorted({reference.table for reference in coming})
        yield f"* Has {', '.join(map(link, names))}."


def _end(reference: Reference) -> str:
    deleted = _ENDS[reference.actions.get("DELETE", "RESTRICT")]
    return deleted + (", and follows when it is renamed" if "UPDATE" in reference.actions else "")


def _policies(subject: Table) -> str:
    told = ([code(row["bare_name"]), code(row["roles"]), row["command"], _which(row)] for row in subject.policies)
    return table(["policy", "for", "may", "rows"], told) if subject.relation["row_security"] else ""


def _which(row: Row) -> str:
    condition = row["using"] or row["check"]
    return "all" if condition == "true" else code(expressions.readable(condition))


def _partitions(subject: Table, retention: Retention | None) -> str:
    by = subject.relation["partitioned_by"]
    return retention.sentence(by) if retention and by else ""


def _triggers(subject: Table) -> Iterator[str]:
    for row in subject.triggers:
        yield _TRIGGER.sub(r"`\1`: \2, `\3`", short(row["definition"]))


def _labelled(label: str, text: str, *, between: str = "\n\n") -> str:
    return f"**{label}**{between}{text}" if text else ""
