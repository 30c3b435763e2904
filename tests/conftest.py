"""Real servers for the tests: one PostgreSQL and one Valkey for each test process."""

from collections.abc import Callable, Iterator

import pytest
import redis
from hypothesis import settings

from db.engine import Database
from embedded.valkey import ValkeyServer
from tests import databases, scratch
from tests.databases import TestDatabase

# On a busy machine one example is slow now and then, which says nothing about the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """Run a Valkey for this test process."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def redis_url(valkey_server: ValkeyServer) -> str:
    """Give the URL of an empty Valkey."""
    redis.Redis(port=valkey_server.port).flushall()
    return valkey_server.url


@pytest.fixture(scope="session")
def database_server_url() -> Iterator[str]:
    """Give a superuser's URL of a real PostgreSQL: TEST_DATABASE_URL, or one of this test process."""
    with scratch.folder() as folder, databases.server_url(folder / "postgres") as url:
        yield url


@pytest.fixture(scope="session")
def database_template(database_server_url: str) -> Iterator[TestDatabase]:
    """Migrate one database for all tests of this process."""
    template = databases.make_template(database_server_url)
    yield template
    databases.drop(template, database_server_url)


@pytest.fixture
def test_database(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    """Give a migrated database that nobody else uses."""
    database = databases.copy(database_template)
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture
def database(test_database: TestDatabase) -> Iterator[Database]:
    """Open a migrated database as a worker does."""
    with test_database.worker() as opened:
        yield opened


@pytest.fixture(autouse=True)
def closed_clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the clients of Redis that a test made for itself, at its end and not when memory is tidied."""
    pools: list[redis.ConnectionPool] = []
    make: Callable[..., None] = redis.ConnectionPool.__init__

    def made(pool: redis.ConnectionPool, *arguments: object, **options: object) -> None:
        make(pool, *arguments, **options)
        pools.append(pool)

    monkeypatch.setattr(redis.ConnectionPool, "__init__", made)
    yield
    for pool in pools:
        pool.disconnect()
