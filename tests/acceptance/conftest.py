"""What the tests of worker processes share."""

from pathlib import Path

import pytest

from tests.acceptance.traffic import USER
from tests.databases import TestDatabase


@pytest.fixture
def environment(test_database: TestDatabase, redis_url: str, tmp_path: Path) -> dict[str, str]:
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    return {"DATABASE_URL": test_database.worker_url, "REDIS_URL": redis_url, "TMPDIR": str(tmp_path)}
