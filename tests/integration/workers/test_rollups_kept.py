"""How long what is counted is kept, and what becomes of it when rows come back or come very late."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from db.engine import Database
from db.repositories.rollups import TABLES
from db.retaining import PolicyRefused, change
from producers.message_id import new
from tests.databases import TestDatabase

HOUR: Final = timedelta(hours=1)
TODAY: Final = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
OLD: Final = (TODAY - timedelta(days=31)).replace(day=2) + 5 * HOUR
MONTH: Final = f"request_logs_y{OLD:%Y}m{OLD:%m}"
ENTRIES: Final = "SELECT sum(entries)::integer FROM gateway.request_rollups WHERE unit = %s"


def _store(database: Database, *times: datetime) -> None:
    with database.transaction() as uow:
        uow.partitions.ensure_for("gateway.request_logs", times)
        uow.requests.record(
            [
                {
                    "id": str(new()),
                    "request_id": "r",
                    "tenant_id": "acme",
                    "user_id": str(new()),
                    "method": "GET",
                    "path": "/",
                    "target_server_id": "tickets",
                    "request_time": at.isoformat(),
                    "duration_ms": 5.0,
                    "status_code": 200,
                    "query_params": {},
                    "headers": {},
                    "request_metadata": {},
                }
                for at in times
            ]
        )


def _roll_up(database: Database) -> None:
    for table in TABLES:
        with database.transaction() as uow:
            uow.rollups.roll_up(table, most=1_000)


def _prune(database: Database) -> dict[str, int]:
    with database.transaction() as uow:
        return {table: count for table, count in uow.retention.prune(limit=1_000).counts.items() if count}


def _keep(own: TestDatabase, days: int) -> None:
    own.ask(
        "UPDATE maintenance.data_retention_policies SET retention_days = %s WHERE table_name = 'request_logs'", days
    )


def _counts(own: TestDatabase) -> Sequence[object]:
    return [own.value(ENTRIES, unit) for unit in ("hour", "day")]


def test_late_rows_of_a_month_that_came_back_are_counted(database: Database, test_database: TestDatabase) -> None:
    _store(database, OLD, OLD + 2 * HOUR)
    _roll_up(database)
    _keep(test_database, 1)
    with database.transaction() as uow:
        assert uow.partitions.retain() is not None
    _keep(test_database, 365)
    begins = OLD.replace(day=1, hour=0)
    test_database.ask(
        f"ALTER TABLE gateway.request_logs ATTACH PARTITION archive.{MONTH}"
        f" FOR VALUES FROM ('{begins}') TO ('{(begins + timedelta(days=32)).replace(day=1)}')"
    )
    _store(database, OLD)
    _roll_up(database)
    assert _counts(test_database) == [3, 3]


def test_what_was_counted_of_a_month_that_somebody_took_away_stays(
    database: Database, test_database: TestDatabase
) -> None:
    _store(database, OLD)
    _roll_up(database)
    _store(database, OLD)
    test_database.ask(f"ALTER TABLE gateway.request_logs DETACH PARTITION partitions.{MONTH}")
    _roll_up(database)
    assert _counts(test_database) == [1, 1]


def test_an_archive_that_is_attached_again_is_counted_again(database: Database, test_database: TestDatabase) -> None:
    """A table as `archives restore --attach` leaves it: another relation, and a record that says so."""
    _store(database, OLD)
    _roll_up(database)
    test_database.ask(
        "INSERT INTO maintenance.detached_partitions (relation, relid, parent, range_from, range_to, needs_archive,"
        " drop_after, dropped_at, attached_at) VALUES ('archive.x', 1, 'gateway.request_logs', %s, %s, true, now(),"
        " now(), now())",
        OLD.replace(day=1, hour=0),
        OLD + timedelta(days=9),
    )
    _store(database, OLD)
    _roll_up(database)
    assert _counts(test_database) == [2, 2]
    test_database.ask("UPDATE maintenance.detached_partitions SET attached_at = NULL")
    _store(database, OLD)
    _roll_up(database)
    assert _counts(test_database) == [2, 2]


def test_hours_go_after_six_months_and_days_after_two_years(database: Database, test_database: TestDatabase) -> None:
    _store(database, TODAY, TODAY + HOUR)
    _roll_up(database)
    test_database.ask(
        "UPDATE gateway.request_rollups SET starts_at = starts_at - interval '184 days';"
        " UPDATE gateway.request_users SET hour = hour - interval '184 days';"
        " UPDATE rollup_hours SET hour = hour - interval '184 days'"
    )
    # Nothing is read as counted of which a part is gone.
    assert _prune(database) == {"public.rollup_hours": 2}
    assert _prune(database) == {"gateway.request_rollups": 2, "gateway.request_users": 2}
    assert _counts(test_database) == [None, 2]
    test_database.ask("UPDATE gateway.request_rollups SET starts_at = starts_at - interval '548 days'")
    assert _prune(database) == {"gateway.request_rollups": 1}


def test_a_day_of_which_hours_went_is_counted_whole_when_a_row_comes(
    database: Database, test_database: TestDatabase
) -> None:
    early = TODAY - timedelta(days=40)
    _store(database, early, early + 2 * HOUR, early + 2 * HOUR)
    _roll_up(database)
    test_database.ask("DELETE FROM gateway.request_rollups WHERE unit = 'hour'; DELETE FROM rollup_hours")
    _store(database, early + 3 * HOUR)
    _roll_up(database)
    assert _counts(test_database) == [4, 4]


def test_hours_are_kept_for_as_long_as_a_message_may_be_late(database: Database) -> None:
    with database.transaction() as uow, pytest.raises(PolicyRefused, match="must keep 32 days at least"):
        change(uow, "request_rollups", days=31, strategy=None, grace_days=None)
