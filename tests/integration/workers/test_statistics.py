"""The planner knows partitioned tables, because a tick asks for it."""

from datetime import UTC, datetime
from typing import cast

import psycopg

from db.engine import Database
from producers import StatisticsDue
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import delivered, due
from workers.applier import Applier

PARENT_STATISTICS = "SELECT last_analyze IS NOT NULL FROM pg_stat_user_tables WHERE relid = 'mcp_logs'::regclass"


def test_a_night_gathers_statistics_of_all_tables_once_in_steps(
    test_database: TestDatabase, database: Database, applier: Applier
) -> None:
    tick = StatisticsDue.at(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    for _ in range(2):
        applier(delivered(tick))
    steps = 1
    while parts := due(database, [StatisticsDue.wire_name]):
        for part in parts:
            applier(part)
        steps += 1
    runs = test_database.ask("SELECT detail->'analyzed' FROM maintenance.runs WHERE task = 'gather-statistics'")
    names = [name for (analyzed,) in runs for name in cast("list[str]", analyzed)]
    assert len(names) == len(set(names)) > 20
    assert {"public.mcp_logs", "gateway.request_logs", "public.users"} <= set(names)
    assert steps == len(runs) + 1, "the last one found nothing"
    assert test_database.value(PARENT_STATISTICS) is True


def test_steps_are_short_and_go_on_where_the_last_one_ended(test_database: TestDatabase, database: Database) -> None:
    after, found = "", list[str]()
    with psycopg.connect(test_database.admin_url) as other, database.transaction() as uow:
        other.execute("LOCK TABLE mcp_types IN ACCESS EXCLUSIVE MODE")
        uow._driver.execute("SET lock_timeout = '10ms'")
        while tables := uow.partitions.analyze(after=after, milliseconds=0):
            assert len(tables) == 1
            after = max(tables)
            found += [name for name, is_busy in tables.items() if not is_busy]
    assert found == sorted(found)
    assert "public.mcp_types" not in found
    assert "public.users" in found
