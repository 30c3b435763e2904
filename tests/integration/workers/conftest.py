"""What the tests of the worker share."""

from collections.abc import Iterator

import pytest

from db.engine import Database
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import USER, make_applier
from workers.actors import ACTORS
from workers.applier import Applier
from workers.probes.prober import Prober
from workers.resources import Resources


@pytest.fixture(scope="module")
def resources() -> Iterator[Resources]:
    prober = Prober()
    yield Resources(prober)
    prober.close()


@pytest.fixture
def applier(database: Database, resources: Resources) -> Applier:
    return make_applier(database, resources, *ACTORS)


@pytest.fixture
def user(test_database: TestDatabase) -> None:
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
