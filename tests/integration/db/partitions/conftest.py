"""A database of its own for each test, with a partition that is past its retention."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from db.engine import Database
from db.repositories.partitions import RetentionStep
from tests import databases
from tests.databases import TestDatabase

from ..given import Given
from .retention import end_of_grace, step

TODAY = datetime.now(UTC)
OLD = "archive.mcp_logs_old"


@pytest.fixture
def own(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    """Give a database whose partitions a test may change."""
    database = databases.copy(database_template)
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture
def db(own: TestDatabase) -> Iterator[Database]:
    with own.worker() as opened:
        yield opened


@pytest.fixture
def old_partition(own: TestDatabase, db: Database) -> str:
    """Have a partition of last year, with a line in it."""
    at = TODAY - timedelta(days=400)
    own.ask("CREATE TABLE partitions.mcp_logs_old (LIKE mcp_logs INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    own.ask("ALTER TABLE partitions.mcp_logs_old OWNER TO mcp_owner")
    own.ask(
        "ALTER TABLE mcp_logs ATTACH PARTITION partitions.mcp_logs_old"
        f" FOR VALUES FROM ('{at:%Y-%m-%d}') TO ('{at + timedelta(days=30):%Y-%m-%d}')"
    )
    instance_id = Given(own).an_instance(db)
    own.ask(
        "INSERT INTO mcp_logs (mcp_instance_id, timestamp, message) VALUES (%s, %s, 'old')",
        instance_id,
        at + timedelta(days=1),
    )
    return OLD


@pytest.fixture
def kept(own: TestDatabase, db: Database, old_partition: str) -> str:
    """Have a partition that its policy wants archived, detached and past its grace."""
    own.ask("UPDATE maintenance.data_retention_policies SET strategy = 'detach_archive'")
    assert step(db) == RetentionStep("detached", old_partition)
    end_of_grace(own)
    return old_partition
