"""One database for the tests of a file, in which each finds the same month that has left its table."""

from collections.abc import Iterator

import pytest

from db.engine import Database
from tests import databases
from tests.databases import TestDatabase

from .. import varied


@pytest.fixture(scope="module")
def own(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    database = databases.copy(database_template)
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture(scope="module")
def db(own: TestDatabase) -> Iterator[Database]:
    with own.worker() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _old(own: TestDatabase) -> None:
    varied.clear(own)
    varied.detach(own)
