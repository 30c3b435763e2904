"""How the planner reads tables for a statement, as a worker's connection has it planned."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from psycopg import sql

from db.page import Window
from db.repositories import statements
from db.statement import Statement
from tests.crowd import Connection
from tests.databases import TestDatabase

NOW: Final = datetime.now(UTC)
WINDOW: Final = Window(NOW - timedelta(days=27), NOW)
PAGE: Final = WINDOW.values(None, 20)
"""The newest twenty rows of four weeks, which reach over one month or two of at least five."""
FEW: Final = 1_000
"""So many rows may a hot statement look at, of tables of twenty thousand."""
BOUNDS: Final = {"since": WINDOW.since, "until": WINDOW.until}

_PARAMETER: Final = re.compile(r"%\((\w+)\)s")
_SMALL: Final = 1_000
"""Below so many rows a table is rightly read whole."""


@dataclass(frozen=True)
class Hot:
    """A statement that runs per message, tick, request or page, and the indexes that it lives on."""

    name: str
    indexes: str
    values: Mapping[str, object] = field(default_factory=dict)
    months: str | None = None
    """A partitioned table of which only the months of the window may be read."""

    def __str__(self) -> str:
        return self.name

    def is_served_by(self, used: frozenset[str]) -> bool:
        """Tell whether each of the indexes is used, or one of several that do as well (`one|other`)."""
        return all(used & set(either.split("|")) for either in self.indexes.split())


@dataclass(frozen=True)
class Plan:
    """What a plan reads: indexes by the name of the table's own, tables and partitions as they are called."""

    indexes: frozenset[str]
    relations: frozenset[str]
    read_whole: frozenset[str]
    rows_read: float
    text: str


@dataclass(frozen=True)
class Planner:
    """A worker's connection to the crowd, and what the catalog says of it."""

    connection: Connection
    parents: dict[str, str]
    sizes: dict[str, float]

    @classmethod
    def of(cls, database: TestDatabase) -> "Planner":
        """Connect, and look up which index of a partition is part of which index of its table."""
        parents = database.ask("SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits")
        sizes = database.ask("SELECT relname, max(reltuples) FROM pg_class WHERE relkind IN ('r', 'p') GROUP BY 1")
        connection = psycopg.connect(database.worker_url, autocommit=True, prepare_threshold=None)
        return cls(connection, {_bare(child): _bare(parent) for child, parent in parents}, dict(_sized(sizes)))

    def plan(self, hot: Hot, mode: str) -> Plan:
        """Plan a statement for its values (force_custom_plan) or for any (force_generic_plan), run it and undo it."""
        prepared, arguments = _prepared(statements()[hot.name], hot.values)
        # A rollback does not forget what was prepared.
        self.connection.execute("DEALLOCATE ALL")
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(sql.SQL("SET LOCAL plan_cache_mode = {}").format(sql.Identifier(mode)))
            self.connection.execute(prepared.encode())
            ((found,),) = self.connection.execute(
                sql.SQL("EXPLAIN (ANALYZE, FORMAT json, COSTS off, TIMING off) EXECUTE hot {}").format(arguments)
            ).fetchall()
        nodes = list(_nodes(found[0]["Plan"]))
        return Plan(
            indexes=frozenset(self._own(node["Index Name"]) for node in nodes if "Index Name" in node),
            relations=frozenset(node["Relation Name"] for node in nodes if "Relation Name" in node),
            read_whole=frozenset(self._long(node) for node in nodes if node["Node Type"] == "Seq Scan") - {""},
            rows_read=sum(_rows_read(node) for node in nodes),
            text="\n".join(_told(node) for node in nodes),
        )

    def _own(self, index: str) -> str:
        return self.parents.get(index, index)

    def _long(self, node: dict[str, Any]) -> str:
        name = str(node["Relation Name"])
        return name if self.sizes.get(name, 0) > _SMALL else ""


def months_of(plan: Plan, table: str) -> set[str]:
    """Give the partitions of a table that a plan reads."""
    return {name for name in plan.relations if name.startswith(f"{table}_y")}


def months_expected(table: str) -> set[str]:
    """Give the partitions of a table that hold the window."""
    return {f"{table}_y{at:%Y}m{at:%m}" for at in (WINDOW.since, WINDOW.until)}


def _prepared(statement: Statement, values: Mapping[str, object]) -> tuple[str, sql.Composable]:
    text = statement.sql.decode()
    names = list(dict.fromkeys(_PARAMETER.findall(text)))
    text = _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text).replace("%%", "%")
    arguments = sql.SQL(", ").join(sql.Literal(values[name]) for name in names)
    return f"PREPARE hot AS {text}", sql.SQL("({})").format(arguments) if names else sql.SQL("")


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _nodes(child)


def _rows_read(node: dict[str, Any]) -> float:
    if "Relation Name" not in node or node["Node Type"] == "ModifyTable":
        return 0
    read = sum(node.get(rows, 0) for rows in ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"))
    return float(read * node["Actual Loops"])


def _told(node: dict[str, Any]) -> str:
    parts = (
        "Node Type",
        "Relation Name",
        "Index Name",
        "Index Cond",
        "Filter",
        "Actual Rows",
        "Rows Removed by Filter",
    )
    return " · ".join(str(node[part]) for part in parts if part in node)


def _bare(name: object) -> str:
    return str(name).rpartition(".")[2]


def _sized(rows: list[tuple[object, ...]]) -> Iterator[tuple[str, float]]:
    for name, size in rows:
        yield str(name), float(str(size))
