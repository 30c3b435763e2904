"""The stage: PostgreSQL, Valkey and our own processes, and the end of all of them."""

import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

import psycopg
import redis
from psycopg import sql

from db import roles
from db.connect import libpq_url
from db.engine import Database
from db.settings import DatabaseSettings
from embedded import PostgresServer, ValkeyServer
from producers import Producer, connect
from producers.broker import redis_client

from .processes import MARK, StageProcess, tail

T = TypeVar("T")

_LOOK_SECONDS: Final = 0.05
_DRAIN_SECONDS: Final = 20.0


class DemoFailed(Exception):
    """The demo cannot go on; the message says what did not happen."""


@dataclass(frozen=True)
class Addresses:
    """Where the servers are, and whether they were here before the demo."""

    admin_url: str
    database_url: str | None
    redis_url: str
    given: bool

    def __str__(self) -> str:
        """Name the hosts and ports: the rest of a URL may hold a password."""
        hosts = [urlsplit(url).netloc.rpartition("@")[2] for url in (self.admin_url, self.redis_url)]
        return f"PostgreSQL at {hosts[0]} and Redis at {hosts[1]}"


@contextmanager
def servers(folder: Path, environment: Mapping[str, str]) -> Iterator[Addresses]:
    """Use the servers that the environment names, or start some that live as long as the block."""
    database_url, redis_url = environment.get("DATABASE_URL"), environment.get("REDIS_URL")
    admin_url = environment.get("DATABASE_ADMIN_URL")
    if redis_url and (database_url or admin_url):
        # A single URL is the administrator's; the demo then makes a login for the workers.
        yield Addresses(admin_url or database_url or "", database_url if admin_url else None, redis_url, given=True)
        return
    with ValkeyServer(folder / "valkey") as valkey, PostgresServer(folder / "postgres") as postgres:
        yield Addresses(postgres.url, None, valkey.url, given=False)


class Stage:
    """Holds whatever runs; leaving the block ends all of it, in the order in which it can end well."""

    addresses: Addresses
    database: Database
    database_url: str
    producer: Producer
    redis: redis.Redis
    _connection: "psycopg.Connection[tuple[Any, ...]]"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.last_words = ""
        self.mark = uuid4().hex
        self._login: str | None = None
        self._processes: list[StageProcess] = []
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        """Start the servers."""
        # The mark is inherited by everything that is started from here on.
        os.environ[MARK] = self.mark
        try:
            self.addresses = self._exits.enter_context(servers(self.folder, os.environ))
        except BaseException:
            self._exits.close()
            raise
        self._exits.callback(self._drop_login)
        self._exits.callback(self._stop_processes)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Keep the last words of the process that is to blame, then end everything."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        if kind is DemoFailed:
            self.last_words = self._blamed()
        self._exits.close()

    def finally_do(self, action: Callable[[], object]) -> None:
        """Have something done at the end, before the processes and servers that are running now are ended."""
        self._exits.callback(action)

    def migrate(self) -> None:
        """Bring the schema up, as a deployment would, and make the login of the workers."""
        migration = self._make("migration", ["db", "upgrade"], {"DATABASE_ADMIN_URL": self.addresses.admin_url})
        migration.start()
        if migration.wait(60) != 0:
            raise DemoFailed("the schema could not be migrated")
        self.retire(migration)
        self.database_url = self.addresses.database_url or self._make_login()
        self.database = Database(DatabaseSettings(url=self.database_url, pool_size=2, application_name="minimcp-demo"))
        self._exits.callback(self.database.close)
        url = libpq_url(self.database_url)
        self._connection = self._exits.enter_context(psycopg.connect(url, autocommit=True))
        self.producer = self._exits.enter_context(connect(self.addresses.redis_url))
        self.redis = self._exits.enter_context(redis_client(self.addresses.redis_url))

    def ask(self, statement: str, **values: object) -> list[tuple[Any, ...]]:
        """Run a statement as the workers' login and give its rows, if it has any."""
        cursor = self._connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []

    def run(self, name: str, *arguments: str) -> StageProcess:
        """Start one of our processes: its log lies in the folder, and its temporary files too."""
        environment = {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.addresses.redis_url,
            "TMPDIR": str(self.folder),
            # The servers of this play are on this machine, and are checked because messages ask for it.
            "PROBE_NETWORKS": "127.0.0.0/8,::1/128",
        }
        process = self._make(name, arguments, environment)
        process.start()
        return process

    def await_(self, what: str, look: Callable[[], T | None], seconds: float = 60.0) -> T:
        """Look again and again until there is something to see; what does not come in time fails the demo."""
        deadline = time.monotonic() + seconds
        while not (seen := look()):
            self._check()
            if time.monotonic() > deadline:
                raise DemoFailed(f"{what} did not happen within {seconds:.0f} s")
            time.sleep(_LOOK_SECONDS)
        return seen

    def retire(self, process: StageProcess) -> bool:
        """Let a process finish before the others; true if it ended well."""
        self._processes.remove(process)
        return process.stop(_DRAIN_SECONDS)

    def _make(self, name: str, arguments: Sequence[str], environment: Mapping[str, str]) -> StageProcess:
        process = StageProcess(name, arguments, environment, self.folder)
        self._processes.append(process)
        return process

    def _check(self) -> None:
        for process in self._processes:
            if process.ended:
                raise DemoFailed(f"{process.name} has ended, which nobody asked it for")

    def _make_login(self) -> str:
        login, password = f"minimcp_demo_{secrets.token_hex(4)}", secrets.token_urlsafe(24)
        roles.create_login(self.addresses.admin_url, login, password, "worker")
        self._login = login
        parts = urlsplit(self.addresses.admin_url)
        return parts._replace(netloc=f"{login}:{quote(password)}@{parts.netloc.rpartition('@')[2]}").geturl()

    def _drop_login(self) -> None:
        if self._login is None or not self.addresses.given:
            return
        with psycopg.connect(libpq_url(self.addresses.admin_url), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(self._login)))

    def _stop_processes(self) -> None:
        while self._processes:
            self._processes.pop().stop(_DRAIN_SECONDS)

    def _blamed(self) -> str:
        ended = [process for process in self._processes if process.ended]
        suspects = [*ended, *self._processes]  # what hangs is most often for the workers to explain
        return tail(suspects[0].log) if suspects else ""
