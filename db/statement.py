"""Statements that are compiled once and then cost a message almost nothing.

SQLAlchemy's `Connection.execute` spends about 60 µs of CPU per statement, and a message has two or three of them.
So expressions are compiled when their module loads and run on the driver's own cursor; SQLAlchemy keeps the pool
and the models.
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Any, Final, TypeAlias

import psycopg
from sqlalchemy import ClauseElement, Dialect, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

# What a row holds is known to the statement's author only; repositories turn it into typed values at once.
Row: TypeAlias = tuple[Any, ...]
Driver: TypeAlias = psycopg.Connection[Row]

_DIALECT: Final[Dialect] = PGDialect_psycopg(paramstyle="pyformat")  # type: ignore[no-untyped-call]  # SQLAlchemy has no types here
_COMMENT: Final = re.compile(r"^\s*--.*$\n?", re.MULTILINE)


class Statement:
    """SQL under a name, which pg_stat_activity shows.

    One that is planned `anew` gets a plan for its values each time: for pages and ticks whose values are rare or
    frequent, for which one plan for any value would read the wrong index.
    """

    __slots__ = ("anew", "name", "sql")

    def __init__(self, name: str, clause: ClauseElement, *, anew: bool = False) -> None:
        """Compile the clause for psycopg."""
        self.name = name
        self.anew = anew
        self.sql = f"/* {name} */ {clause.compile(dialect=_DIALECT)}".encode()

    def run(self, driver: Driver, **values: object) -> psycopg.Cursor[Row]:
        """Execute with plain values; psycopg prepares it on the server after five uses of a connection."""
        return driver.execute(self.sql, values, prepare=False if self.anew else None)


def from_text(name: str, sql: str, /, *, anew: bool = False, **parts: str) -> Statement:
    """Make a statement of SQL in which `:word` binds a value and `$word` stands for one of the parts, SQL as well."""
    return Statement(name, text(Template(sql).substitute(parts)), anew=anew)


def from_file(
    file: str, *, name: str | None = None, parts: Mapping[str, str] | None = None, anew: bool = False
) -> Statement:
    """Load `repositories/<file>.sql`, which is read as by `from_text`."""
    source = files("db.repositories").joinpath(f"{file}.sql").read_text(encoding="utf-8")
    # psycopg keeps the parsed form only of statements below 4 kB, so explanations are not sent.
    return from_text(name or file, _COMMENT.sub("", source).strip(), anew=anew, **(parts or {}))
