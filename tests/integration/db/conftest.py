"""One migrated database for all tests of this folder; each makes users and hosts of its own."""

from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest

from db.engine import Database
from db.unit_of_work import UnitOfWork
from tests import databases
from tests.databases import TestDatabase

from .given import Given
from .lives import Life, detach, letter
from .living_worlds import Worlds, enliven
from .worlds import World, insert


class _UndoError(Exception):
    """Ends a transaction whose effects nobody wants."""


@pytest.fixture(scope="session")
def shared(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    database = databases.copy(database_template)
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture(scope="session")
def db(shared: TestDatabase) -> Iterator[Database]:
    with shared.worker() as opened:
        yield opened


@pytest.fixture
def uow(db: Database) -> Iterator[UnitOfWork]:
    """Give a transaction that is rolled back."""
    with suppress(_UndoError), db.transaction() as opened:
        yield opened
        raise _UndoError


@pytest.fixture
def given(shared: TestDatabase) -> Given:
    return Given(shared)


@pytest.fixture(scope="session")
def worlds(database_template: TestDatabase, database_server_url: str) -> Iterator[Worlds]:
    """Have two worlds in a database of their own."""
    copied = databases.copy(database_template)
    first, second = World(1), World(2)
    with psycopg.connect(copied.admin_url) as connection:
        for world in (first, second):
            world.insert(connection)
            enliven(connection, world)
    with copied.worker() as database:
        yield Worlds(database, first, second)
    databases.drop(copied, database_server_url)


@pytest.fixture
def lives(database_template: TestDatabase, database_server_url: str) -> Iterator[tuple[TestDatabase, Life, Life]]:
    """Have two users in every table, and in a month that was detached."""
    copied = databases.copy(database_template)
    first, second = Life(1), Life(2)
    with psycopg.connect(copied.admin_url) as connection:
        first.insert(connection)
        second.insert(connection)
        both = [f'{{"instance_id": "{each.world.instance_id}", "message": "x"}}' for each in (first, second)]
        mixed = f'{{"args": [{{"lines": [{", ".join(both)}]}}]}}'
        insert(connection, "dead_letters", letter(mixed, "both"))
        message = {"message_id": uuid4(), "queue": "logs", "wire_name": "logs.emitted.v1", "state": "retry"}
        insert(connection, "redeliveries", {**message, "envelope": mixed})
        detach(connection, "mcp_logs", "timestamp", {"message": "old"}, (first, second))
    yield copied, first, second
    databases.drop(copied, database_server_url)
