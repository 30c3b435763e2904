"""The planner knows partitioned tables, because a tick asks for it."""

from datetime import UTC, datetime

from producers import StatisticsDue
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import delivered
from workers.applier import Applier

PARENT_STATISTICS = "SELECT last_analyze IS NOT NULL FROM pg_stat_user_tables WHERE relid = 'mcp_logs'::regclass"


def test_a_night_gathers_statistics_of_partitioned_tables_once(test_database: TestDatabase, applier: Applier) -> None:
    for _ in range(2):
        applier(delivered(StatisticsDue.at(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))))
    runs = test_database.ask(
        "SELECT affected, detail->'analyzed' ? 'public.mcp_logs' FROM maintenance.runs WHERE task = 'gather-statistics'"
    )
    assert [(int(str(affected)) > 20, has_logs) for affected, has_logs in runs] == [(True, True)]
    assert test_database.value(PARENT_STATISTICS) is True
