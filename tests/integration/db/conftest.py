"""One migrated database for all tests of this folder; each makes users and hosts of its own."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from db.engine import Database
from db.unit_of_work import UnitOfWork
from tests import databases
from tests.databases import TestDatabase

from .given import Given


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
