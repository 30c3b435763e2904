"""What becomes a target, and with which settings."""

from datetime import datetime

import pytest

from db.engine import Database
from db.repositories.targets import Subject
from tests.databases import TestDatabase
from tests.integration.db.given import Given


@pytest.fixture
def given(test_database: TestDatabase) -> Given:
    """Use a database of one's own: whatever lives becomes a target."""
    test_database.ask("UPDATE service_registry SET is_available = false")
    return Given(test_database)


def follow(database: Database) -> tuple[int, int]:
    with database.transaction() as uow:
        return uow.targets.enter(), uow.targets.follow()


def test_whatever_lives_becomes_a_target_once_and_whatever_ends_is_checked_no_more(
    database: Database, given: Given
) -> None:
    given.an_instance(database)
    instance_id = given.a_running_instance(database)
    given.database.ask("UPDATE service_registry SET is_available = true WHERE service_type = 'figma'")
    given.database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url, status, transport_type)"
        " SELECT kind, kind, 'https://' || kind || '.example/mcp', 'active', kind"
        " FROM unnest(ARRAY['http', 'stdio', 'websocket']) kind"
    )
    assert follow(database) == (3, 0)
    assert follow(database) == (0, 0)
    with database.transaction() as uow:
        uow.instances.delete(instance_id, reason=None, at=datetime.now().astimezone())
    given.database.ask("UPDATE service_registry SET is_available = false")
    given.database.ask("UPDATE gateway.mcp_servers SET status = 'maintenance'")
    assert follow(database) == (0, 3)
    assert given.database.value("SELECT count(*) FROM health_targets WHERE next_check_at IS NOT NULL") == 0


def test_settings_that_no_target_can_have_are_taken_for_the_nearest(database: Database, given: Given) -> None:
    given.a_running_instance(database)
    given.database.ask(
        "UPDATE system_settings SET value = CASE key WHEN 'health.timeout_seconds' THEN '90' ELSE '0' END::jsonb"
        " WHERE key LIKE 'health.%%'"
    )
    follow(database)
    found = given.database.ask(
        "SELECT interval_seconds, timeout_seconds, failure_threshold, recovery_threshold, reset_seconds"
        " FROM health_targets WHERE kind = 'instance'"
    )
    assert found == [(1, 1.0, 1, 2, 1)]


def test_a_server_that_only_others_can_check_is_not_asked_by_us(database: Database, given: Given) -> None:
    given.database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url, status, transport_type)"
        " VALUES ('tickets', 'tickets', 'https://tickets.example/', 'active', 'stdio')"
    )
    with database.transaction() as uow:
        assert len(uow.targets.of([Subject("server", "tickets")])) == 1
    assert follow(database) == (0, 0)
    assert given.database.ask("SELECT next_check_at FROM health_targets") == [(None,)]
