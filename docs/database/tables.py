"""Tables as the catalog describes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from tests.migrations.catalog import Row

_ACTION: Final = re.compile(r"ON (DELETE|UPDATE) (CASCADE|SET NULL|RESTRICT)")
_SHORT: Final = {
    "character varying": "varchar",
    "timestamp with time zone": "timestamptz",
    "public.": "",
}


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    name: str
    table: str
    target: str
    columns: tuple[str, ...]
    actions: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """A table, a view or a materialized view, with all that belongs to it."""

    relation: Row
    columns: Sequence[Row]
    constraints: Sequence[Row]
    indexes: Sequence[Row]
    policies: Sequence[Row]
    triggers: Sequence[Row]

    @property
    def name(self) -> str:
        """What SQL calls it when the search_path is `public`."""
        return short(self.relation["name"])

    @property
    def purpose(self) -> str:
        """What it is for."""
        return str(self.relation["comment"])

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns of its primary key."""
        return next((tuple(row["columns"]) for row in self.constraints if row["kind"] == "p"), ())

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Its foreign keys."""
        return tuple(_reference(self.name, row) for row in self.constraints if row["kind"] == "f")

    def is_unique(self, columns: Iterable[str]) -> bool:
        """Tell whether each value of these columns occurs once, among rows that are not deleted."""
        wanted = tuple(columns)
        constrained = any(tuple(row["columns"]) == wanted for row in self.constraints if row["kind"] in "pu")
        # An index with a condition on a value, such as a status, is unique for that value only.
        indexed = [row["definition"] for row in self.indexes if row["is_unique"] and " = " not in row["definition"]]
        whole = (f" USING btree ({', '.join(wanted)})", f" USING btree (lower(({wanted[0]})::text))")
        return constrained or any(columns in definition for columns in whole for definition in indexed)

    def is_optional(self, columns: Iterable[str]) -> bool:
        """Tell whether one of these columns may be NULL."""
        return any(not row["not_null"] for row in self.columns if row["bare_name"] in set(columns))


def read(catalog: Mapping[str, Sequence[Row]]) -> dict[str, Table]:
    """Return what a catalog has of tables and views, by name; partitions are their tables' affair."""
    kinds = ("column", "constraint", "index", "policy", "trigger")
    parts = {kind: _by_relation(catalog[kind]) for kind in kinds}
    tables = [
        Table(row, *(parts[kind].get(row["name"], []) for kind in kinds))
        for row in catalog["relation"]
        if row["kind"] in "rpvm" and not row["partition_of"]
    ]
    return {table.name: table for table in tables}


def short(text: str) -> str:
    """Leave out what a reader adds by himself."""
    for long, abbreviated in _SHORT.items():
        text = text.replace(long, abbreviated)
    return text


def _by_relation(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["relation"], []).append(row)
    return found


def _reference(table: str, row: Row) -> Reference:
    actions = dict(_ACTION.findall(row["definition"]))
    return Reference(row["bare_name"], table, short(row["refers_to"]), tuple(row["columns"]), actions)
