from collections.abc import Iterator

import pytest

from tests import databases
from tests.databases import TestDatabase


@pytest.fixture
def empty(database_server_url: str) -> Iterator[TestDatabase]:
    """Give a database that nothing was done to."""
    database = databases._create(database_server_url, "empty")
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture
def another(database_server_url: str) -> Iterator[TestDatabase]:
    """Give a second one of the same server."""
    database = databases._create(database_server_url, "empty")
    yield database
    databases.drop(database, database_server_url)
