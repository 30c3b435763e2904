"""Ticks of retention: what somebody is in the way of is told and tried again, small tables are pruned in steps."""

from datetime import UTC, datetime, timedelta

import psycopg

from db.engine import Database
from producers import PruningDue, RetentionDue
from tests.databases import TestDatabase
from tests.integration.db.partitions import varied
from tests.integration.workers.deliveries import delivered, due, make_applier, reasons
from workers.actors import maintenance
from workers.resources import Resources

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
RUNS = "SELECT task, affected, outcome, detail->>'problem' FROM maintenance.runs ORDER BY id"


def test_a_table_that_is_read_for_an_hour_is_waited_for_and_the_next_tick_carries_on(
    test_database: TestDatabase, database: Database, resources: Resources
) -> None:
    """As pg_dump reads it."""
    test_database.ask(varied.TABLE)
    applier = make_applier(database, resources, maintenance.apply_retention)
    with psycopg.connect(test_database.admin_url) as reader:
        reader.execute("SELECT count(*) FROM varied")
        applier(delivered(RetentionDue.at(HOUR)))
    ((task, affected, outcome, problem),) = test_database.ask(RUNS)
    assert (task, affected, outcome) == ("apply-retention", 0, "waits")
    assert problem == "partitions.varied_y2020m01: in use, by pg_dump for instance; the next tick tries."
    applier(delivered(RetentionDue.at(HOUR + timedelta(minutes=1))))
    assert test_database.ask(RUNS)[1:] == [("apply-retention", 1, "done", None)]
    assert reasons(test_database) == []


def test_old_rows_of_small_tables_go_in_steps(
    test_database: TestDatabase, database: Database, resources: Resources
) -> None:
    test_database.ask(
        "INSERT INTO log_quarantine (reason, payload, created_at)"
        " SELECT 'unknown', '{}', now() - interval '91 days' FROM generate_series(1, %s)",
        maintenance.STEP + 1,
    )
    applier = make_applier(database, resources, maintenance.prune_rows)
    applier(delivered(PruningDue.at(HOUR)))
    assert test_database.value("SELECT count(*) FROM log_quarantine") == 1
    (rest,) = due(database, [PruningDue.wire_name])
    applier(rest)
    assert test_database.value("SELECT count(*) FROM log_quarantine") == 0
    assert test_database.ask(RUNS) == [
        ("prune-rows", maintenance.STEP, "done", None),
        ("prune-rows", 1, "done", None),
    ]
    assert due(database, [PruningDue.wire_name]) == []
