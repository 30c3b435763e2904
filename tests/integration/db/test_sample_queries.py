"""The sample queries of docs/schema.md run as a worker and find what is there."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from db.statement import Statement
from docs.database.samples import QUERIES, ROOT, SAMPLES
from tests.databases import TestDatabase

from .worlds import LATER, NOW, Connection, World, change

ASKED: Final = [sample.name for sample in SAMPLES if not sample.is_asked]


@pytest.fixture
def world() -> World:
    return World(1)


@pytest.fixture
def connection(shared: TestDatabase, world: World) -> Iterator[Connection]:
    """Give a worker's transaction in which a world is inhabited, and of which nothing stays."""
    with psycopg.connect(shared.admin_url, options="-c search_path=public -c timezone=UTC") as opened:
        world.insert(opened)
        change(opened, world, "mcp_instances", {"status": "running", "process_id": 4711})
        change(opened, world, "gateway.mcp_servers", {"created_by": world.user_id})
        opened.execute("SET LOCAL ROLE mcp_worker")
        yield opened
        opened.rollback()


@pytest.mark.parametrize("name", ASKED)
def test_a_sample_finds_what_is_there(connection: Connection, world: World, name: str) -> None:
    values = {
        "user_id": world.user_id,
        "tenant_id": world.tenant_id,
        "access_token_hash": world.rows["mcp_instances"]["access_token_hash"],
        "after": UUID(int=0),
        "since": NOW - timedelta(hours=1),
        "until": LATER,
        "role": "viewer",
    }
    asked = Statement(name, text((ROOT / QUERIES / f"{name}.sql").read_text(encoding="utf-8")))
    rows = asked.run(connection, **values).fetchall()
    assert rows
    assert rows[0][0] is not None
