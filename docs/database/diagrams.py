"""Mermaid's entity relationship diagrams: one per context."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from tests.migrations.catalog import Row

from .contexts import Context
from .tables import Reference, Table, short

# Diagrams only take one word for a type.
_WORD: Final = {"double precision": "float8", "double precision_array": "float8_array"}
_WORDS: Final = re.compile(r"\W+")
# Said of every table, so a diagram is easier to read without them.
_EVERYWHERE: Final = frozenset({"created_at", "updated_at"})


def diagram(context: Context, tables: Mapping[str, Table]) -> str:
    """Draw the tables of a context with their columns, and by their key those that they refer to."""
    inside = [tables[name] for name in context.tables]
    references = [reference for table in inside for reference in table.references]
    beyond = sorted({reference.target for reference in references} - set(context.tables))
    lines = [
        *(line for reference in references for line in _relationship(reference, tables)),
        *(line for table in inside for line in _entity(table, table.columns)),
        *(line for name in beyond for line in _entity(tables[name], _keys(tables[name]))),
    ]
    return "\n".join(["```mermaid", "erDiagram", *(f"    {line}" for line in lines), "```"])


def _relationship(reference: Reference, tables: Mapping[str, Table]) -> Iterator[str]:
    table = tables[reference.table]
    one = "|o" if table.is_optional(reference.columns) else "||"
    many = "o|" if table.is_unique(reference.columns) else "o{"
    yield f"{entity(reference.target)} {one}--{many} {entity(reference.table)} : {'_'.join(reference.columns)}"


def _entity(table: Table, columns: Iterable[Row]) -> Iterator[str]:
    yield f"{entity(table.name)} {{"
    for column in columns:
        if column["bare_name"] not in _EVERYWHERE or column["bare_name"] in table.key:
            yield f"    {' '.join(_attribute(table, column))}"
    yield "}"


def _attribute(table: Table, column: Row) -> Iterator[str]:
    name = column["bare_name"]
    kind = short(column["type"]).partition("(")[0].replace("[]", "_array")
    yield _WORD.get(kind, kind)
    yield name
    marks = [
        *(["PK"] if name in table.key else []),
        *(["FK"] if any(name in reference.columns for reference in table.references) else []),
        *(["UK"] if table.key != (name,) and table.is_unique([name]) else []),
    ]
    if marks:
        yield ", ".join(marks)


def _keys(table: Table) -> list[Row]:
    return [column for column in table.columns if column["bare_name"] in table.key]


def entity(name: str) -> str:
    """Name a table in a diagram, where a dot has a meaning of its own."""
    return _WORDS.sub("_", name)
