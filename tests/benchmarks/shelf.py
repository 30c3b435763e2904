"""One long table at a time, with all of its indexes, so that each can be taken away and put back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Final

import psycopg

from tests import crowd, databases
from tests.crowd import Connection

_OPTIONS: Final = "-c search_path=public -c timezone=UTC -c maintenance_work_mem=512MB -c synchronous_commit=off"
# Those of constraints stay while the table is filled: a server without them could not be.
_INDEXES: Final = """
SELECT i.indexrelid::regclass::text, replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ')
  FROM pg_index i
 WHERE i.indrelid = %s::regclass AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
"""
_OTHERS: Final = """
SELECT CASE WHEN k.conname IS NULL THEN format('DROP INDEX %%s', i.indexrelid::regclass)
            ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', i.indrelid::regclass, k.conname) END
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype = 'u'
 WHERE i.indrelid = %s::regclass AND c.relname <> %s AND NOT i.indisprimary
"""
_NAMES: Final = """
SELECT coalesce(p.relname, c.relname)
  FROM pg_class c
  LEFT JOIN pg_inherits h ON h.inhrelid = c.oid
  LEFT JOIN pg_class p ON p.oid = h.inhparent
 WHERE c.relkind IN ('i', 'I') AND c.relname = ANY (%s)
"""
_MOST_RUNS: Final = 50


class Shelf:
    """A migrated database of its own, in which one table at a time is long."""

    def __init__(self, connection: Connection, rows: int, enough_seconds: float) -> None:
        self.connection = connection
        self._rows = rows
        self._enough_seconds = enough_seconds
        self._table = ""

    @classmethod
    @contextmanager
    def on(cls, url: str, *, rows: int, enough_seconds: float) -> "Iterator[Shelf]":
        """Make the database on a server and drop it in the end."""
        database = databases.make_template(url)
        with psycopg.connect(database.admin_url, autocommit=True, options=_OPTIONS) as connection:
            yield cls(connection, rows, enough_seconds)
        databases.drop(database, url)

    def take(self, table: str) -> None:
        """Have a table long; the one before it is emptied."""
        if table == self._table:
            return
        if self._table:
            self.connection.execute(f"TRUNCATE {self._table} CASCADE".encode())
        self._table = table
        self._fill(table)

    def seconds(self, question: str) -> float:
        """Give how long a question takes, from sending it to having its rows."""
        self._asked(question)  # the first one after a change looks up the catalog
        times = [self._asked(question)]
        while sum(times) < self._enough_seconds and len(times) < _MOST_RUNS:
            times.append(self._asked(question))
        return median(times)

    @contextmanager
    def without(self, index: str) -> Iterator[None]:
        """Take an index away while the block runs."""
        schema = self._table.rpartition(".")[0] or "public"
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(f"DROP INDEX {schema}.{index}".encode())
            yield

    @contextmanager
    def only(self, index: str) -> Iterator[None]:
        """Take all indexes away but this one and the primary key, while the block runs."""
        with self.connection.transaction(force_rollback=True):
            for statement in self.connection.execute(_OTHERS.encode(), [self._table, index]).fetchall():
                self.connection.execute(str(statement[0]).encode())
            yield

    def indexes_read(self, question: str) -> set[str]:
        """Give the indexes that the planner reads for a question, those of partitions by their table's name."""
        plan = self.connection.execute(f"EXPLAIN (COSTS off) {question}".encode()).fetchall()
        words = " ".join(line for (line,) in plan).split()
        return {str(name) for (name,) in self.connection.execute(_NAMES.encode(), [words])}

    def _fill(self, table: str) -> None:
        # Building an index at once takes a third of the time of growing it row by row.
        built = self.connection.execute(_INDEXES.encode(), [table]).fetchall()
        for index, _ in built:
            self.connection.execute(f"DROP INDEX {index}".encode())
        crowd.fill(self.connection, table, self._rows)
        for _, definition in built:
            self.connection.execute(definition.encode())
        self.connection.execute(f"VACUUM ANALYZE {table}".encode())

    def _asked(self, question: str) -> float:
        started = time.perf_counter()
        self.connection.execute(question.encode(), prepare=False).fetchall()
        return time.perf_counter() - started
