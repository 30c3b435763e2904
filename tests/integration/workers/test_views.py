"""Materialized views are as fresh as their interval says, because a tick asks for it."""

from datetime import UTC, datetime

from db.engine import Database
from producers import ViewsDue
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import delivered, due
from workers.applier import Applier

VIEW = "mv_request_stats_hourly"
COUNT = "SELECT refresh_count FROM gateway.materialized_views WHERE name = 'mv_request_stats_hourly'"


def test_a_view_whose_interval_is_over_is_computed_once(test_database: TestDatabase, applier: Applier) -> None:
    tick = ViewsDue.at(datetime.now(UTC).replace(second=0, microsecond=0))
    for _ in range(2):
        applier(delivered(tick))
    assert test_database.value(COUNT) == 1
    applier(delivered(ViewsDue.at(tick.fire_time.replace(second=1))))
    assert test_database.value(COUNT) == 1, "its hour is not over"
    test_database.ask("UPDATE gateway.materialized_views SET next_refresh = now()")
    applier(delivered(ViewsDue.at(tick.fire_time.replace(second=2))))
    assert test_database.value(COUNT) == 2


def test_a_view_that_cannot_be_computed_is_told(test_database: TestDatabase, applier: Applier) -> None:
    test_database.ask(f"DROP MATERIALIZED VIEW gateway.{VIEW}")
    applier(delivered(ViewsDue.at(datetime.now(UTC))))
    ((outcome, problem),) = test_database.ask("SELECT outcome, problem FROM maintenance.ticks")
    assert outcome == "failed"
    assert VIEW in str(problem)


def test_a_view_that_cannot_be_computed_keeps_no_other_from_it(
    test_database: TestDatabase, database: Database, applier: Applier
) -> None:
    test_database.ask(
        "INSERT INTO gateway.materialized_views (name, query, refresh_strategy, refresh_interval_minutes)"
        " VALUES ('a_broken_one', 'SELECT', 'scheduled', 60)"
    )
    applier(delivered(ViewsDue.at(datetime.now(UTC))))
    for part in due(database, [ViewsDue.wire_name]):
        applier(part)
    assert test_database.value(COUNT) == 1
    outcomes = "SELECT outcome FROM maintenance.runs WHERE task = 'refresh-views' ORDER BY id"
    # Of a view without rows nothing is counted, so only what failed is told.
    assert test_database.ask(outcomes) == [("failed",)]
