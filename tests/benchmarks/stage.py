"""Where the figures are measured: one Valkey and one migrated PostgreSQL for the whole run."""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import psycopg
import redis

from embedded import PostgresServer, ValkeyServer
from producers import Producer, connect
from tests import databases
from tests.databases import TestDatabase

from .processes import Program
from .shelf import Shelf

ROOT: Final = Path(__file__).parents[2]

# Room for a run without a checkpoint or an autovacuum in one repetition and not in the next.
_POSTGRES: Final = {
    "autovacuum": "off",
    "checkpoint_timeout": "30min",
    "max_wal_size": "8GB",
    "shared_buffers": "512MB",
}
LONG: Final = 1_000_000
"""So many rows has a table when it is to be long."""

_SEGMENTS: Final = 120
"""Of 16 MB each: what the longest figure writes."""

_QUICK_DIVISOR: Final = 20
_SHORT_DIVISOR: Final = 1_000
_PATIENCE_SECONDS: Final = 120.0


class Stage:
    """The servers, started by the first figure that needs them and ended with the run."""

    def __init__(self, *, quick: bool = False) -> None:
        self._quick = quick
        self._open = ExitStack()
        self.folder = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="minimcp-bench-")))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def count(self, wanted: int) -> int:
        """Give how many messages to measure with; a quick run takes a twentieth."""
        return max(20, wanted // _QUICK_DIVISOR) if self._quick else wanted

    def rows(self, wanted: int) -> int:
        """Give how many rows a table holds beforehand; a quick run has a thousandth."""
        return wanted // _SHORT_DIVISOR if self._quick else wanted

    def repetitions(self, wanted: int) -> int:
        """Give how often to repeat; a quick run measures once."""
        return 1 if self._quick else wanted

    def seconds(self, wanted: float) -> float:
        """Give how long to look; a quick run takes a twentieth."""
        return wanted / _QUICK_DIVISOR if self._quick else wanted

    @cached_property
    def valkey(self) -> ValkeyServer:
        """A Valkey as the product asks for it: with an append-only file."""
        return self._open.enter_context(ValkeyServer(self.folder / "valkey"))

    @cached_property
    def redis(self) -> redis.Redis:
        """A client to look into the Valkey."""
        client: redis.Redis = redis.Redis.from_url(self.valkey.url)
        self._open.callback(client.close)
        return client

    @cached_property
    def producer(self) -> Producer:
        """A producer that stands for many: what it sends of an instance is never more than that one's share."""
        return self._open.enter_context(connect(self.valkey.url, share_per_second=None))

    @cached_property
    def server_url(self) -> str:
        """A PostgreSQL that flushes its log to the disk."""
        return self._open.enter_context(PostgresServer(self.folder / "postgres", settings=_POSTGRES)).url

    @cached_property
    def template(self) -> TestDatabase:
        """A migrated database that nobody connects to."""
        return databases.make_template(self.server_url)

    @cached_property
    def database(self) -> TestDatabase:
        """The database that most figures share."""
        return databases.copy(self.template)

    @contextmanager
    def beside(self) -> Iterator["Stage"]:
        """Have another stage on the same PostgreSQL, with a database and a Valkey of its own, and drop what it made."""
        with Stage(quick=self._quick) as other:
            other.server_url, other.template = self.server_url, self.template
            yield other
        databases.drop(other.database, self.server_url)

    @cached_property
    def shelf(self) -> Shelf:
        """A database in which one table at a time is long; in a quick run it is short."""
        return self._open.enter_context(
            Shelf.on(self.server_url, rows=self.rows(LONG), enough_seconds=self.seconds(0.1))
        )

    @cached_property
    def sql(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """The administrator's connection, to prepare rows and to count them."""
        return self._open.enter_context(psycopg.connect(self.database.admin_url, autocommit=True))

    @contextmanager
    def slow_disk(self) -> Iterator[None]:
        """Make every flush of PostgreSQL's log take 2 ms more; as on a disk, those who wait share the next one."""
        self._configure("SET commit_delay = 2000", "SET commit_siblings = 0")
        try:
            yield
        finally:
            self._configure("RESET commit_delay", "RESET commit_siblings")

    def wear_in(self) -> None:
        """Have PostgreSQL write over used segments of its log, as every server does that has run for a while.

        A fresh one makes each segment when it is needed, every few seconds: for about 50 ms nobody can commit then.
        """
        self._configure("SET min_wal_size = '4GB'")
        for _ in range(self.count(_SEGMENTS)):
            self.sql.execute("SELECT pg_logical_emit_message(false, 'wear', ''), pg_switch_wal()")
        self.sql.execute("CHECKPOINT")

    def _configure(self, *changes: str) -> None:
        for change in changes:
            self.sql.execute(f"ALTER SYSTEM {change}".encode())
        self.sql.execute("SELECT pg_reload_conf()")

    def program(self, module: str, *arguments: str) -> Program:
        """Describe one of our programs, run with this interpreter from the root of the repository."""
        return Program((sys.executable, "-m", module, *arguments), self.environment(), ROOT, self.folder)

    def workers(self, *arguments: str, module: str = "workers") -> Program:
        """Describe the product's own worker pool on these servers."""
        program = self.program(module, *arguments)
        return program.with_environment(DATABASE_URL=self.database.worker_url)

    def environment(self) -> dict[str, str]:
        """Give what our programs see; their liveness files are not mixed with those of other workers."""
        kept = {name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "PATH"}}
        return {**kept, "REDIS_URL": self.valkey.url, "TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"}

    def living_workers(self) -> int:
        """Count the worker processes that have beaten."""
        return int(self.redis.zcard("dramatiq:__heartbeats__"))

    def waiting(self, queues: Sequence[str]) -> int:
        """Count the messages that are not done."""
        return sum(int(self.redis.hlen(f"{queue}.msgs")) for queue in queues)


def until(met: Callable[[], bool], what: str, *, pause: float = 0.02) -> None:
    """Wait until something is so; raise when that takes longer than any measurement should."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} took longer than {_PATIENCE_SECONDS:.0f} s")
        time.sleep(pause)
