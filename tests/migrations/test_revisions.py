"""Every revision goes up and down, on its own and beside others."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise

import psycopg
import pytest

from db import roles, schema
from db.errors import MigrationRefused
from db.settings import DatabaseSettings
from tests.databases import TestDatabase
from tests.integration.db.worlds import World, insert

from .accepted import differences
from .catalog import snapshot

REVISIONS = [script.revision for script in reversed(list(schema._scripts().walk_revisions()))]


def test_up_down_and_up_again_leaves_the_same_catalog(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url)
    first = snapshot(empty.admin_url)
    schema.downgrade(empty.admin_url, "base")
    assert empty.value("SELECT count(*) FROM pg_class WHERE relowner = 'mcp_owner'::regrole AND relkind = 'r'") == 1
    schema.upgrade(empty.admin_url)
    assert differences(first, snapshot(empty.admin_url)) == ""


def test_the_sql_that_is_printed_makes_the_same_schema(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url)
    migrated = snapshot(empty.admin_url)
    schema.downgrade(empty.admin_url, "base")
    empty.ask("DROP TABLE alembic_version")
    empty.ask(f"SET ROLE {roles.OWNER};\n{schema.as_sql()}")
    assert differences(migrated, snapshot(empty.admin_url)) == ""


def test_each_revision_undoes_exactly_what_it_did(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url, REVISIONS[0])
    for earlier, revision in pairwise(REVISIONS):
        before = snapshot(empty.admin_url)
        schema.upgrade(empty.admin_url, revision)
        schema.downgrade(empty.admin_url, earlier)
        assert differences(before, snapshot(empty.admin_url)) == "", f"{revision} leaves something behind"
        schema.upgrade(empty.admin_url, revision)


def test_rows_that_were_there_before_stay_as_they_are(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url, "0011")
    empty.ask("INSERT INTO users (email, name) VALUES ('ada@example.org', 'Ada')")
    empty.ask(
        "INSERT INTO service_registry (service_type, name, display_name, port)"
        " VALUES ('figma', 'ours', 'Ours', 5000), ('other', 'other', 'Other', 49294)"
    )
    empty.ask(
        "INSERT INTO api_key_validation_cache (user_id, service_type, key_hash, is_valid)"
        " SELECT id, 'figma', 'hash', true FROM users"
    )
    schema.upgrade(empty.admin_url)
    assert empty.ask("SELECT email, role::text, tenant_id FROM users") == [("ada@example.org", "viewer", None)]
    services = empty.ask("SELECT service_type, port FROM service_registry ORDER BY 1")
    assert services == [("figma", 5000), ("gmail", 49250), ("other", 49294), ("slack", 49320), ("trello", 49330)]
    assert empty.value("SELECT count(*) FROM service_health_status") == 5
    schema.downgrade(empty.admin_url, "0011")
    assert empty.value("SELECT count(*) FROM api_key_validation_cache") == 1


def test_ports_of_every_host_are_of_the_range_that_was_set(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url, "0028")
    empty.ask("UPDATE system_settings SET value = '3002' WHERE key = 'port.range_start'")
    empty.ask("UPDATE system_settings SET value = '3101' WHERE key = 'port.range_end'")
    empty.ask("INSERT INTO port_allocations (host_id, port) VALUES ('far', 3001), ('far', 3101), ('far', 3102)")
    schema.upgrade(empty.admin_url, "0029")
    found = empty.ask("SELECT port FROM port_allocations WHERE host_id = 'far' AND from_range")
    assert found == [(3101,)]
    assert empty.value("SELECT min(port) FROM port_allocations WHERE host_id = 'local' AND from_range") == 3002


def test_archives_of_a_user_who_was_erased_before_are_erased_too(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url, "0029")
    world = World(1)
    with psycopg.connect(empty.admin_url) as connection:
        for table in ("mcp_instances_archive", "mcp_events_archive"):
            insert(connection, table, world.rows[table])
    schema.upgrade(empty.admin_url, "0030")
    assert empty.ask("SELECT id FROM mcp_instances_archive UNION SELECT id FROM mcp_events_archive") == []


def test_only_an_archive_that_came_back_before_is_known_as_attached(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url, "0049")
    months = ("2026-01-01", "2026-02-01", "2026-03-01")
    for (since, until), days in zip(pairwise(months), (7, -1), strict=True):
        # One was dropped within its grace, which is by whoever attached it; of the other the place was taken since.
        empty.ask(
            f"CREATE TABLE partitions.x{since[5:7]} PARTITION OF gateway.audit_logs"
            f" FOR VALUES FROM ('{since}') TO ('{until}')"
        )
        empty.ask(
            "INSERT INTO maintenance.detached_partitions (relation, relid, parent, range_from, range_to, needs_archive,"
            " drop_after, dropped_at, archived_at, archive_uri, archived_rows, archive_sha256) VALUES ('archive.x', %s,"
            " 'gateway.audit_logs', %s, %s, true, now() + make_interval(days => %s), now(), now(), 'file:///x', 5,"
            " repeat('a', 64))",
            days + 10,
            since,
            until,
            days,
        )
    schema.upgrade(empty.admin_url)
    asked = "SELECT attached_at IS NOT NULL FROM maintenance.detached_partitions ORDER BY range_from"
    assert empty.ask(asked) == [(True,), (False,)]


def test_an_upgrade_that_is_done_changes_nothing(empty: TestDatabase) -> None:
    steps: list[str] = []
    schema.upgrade(empty.admin_url, report=steps.append)
    assert len(steps) == len(REVISIONS)
    before = snapshot(empty.admin_url)
    schema.upgrade(empty.admin_url, report=steps.append)
    assert len(steps) == len(REVISIONS)
    assert differences(before, snapshot(empty.admin_url)) == ""


def test_two_databases_of_one_server_are_migrated_at_once(empty: TestDatabase, another: TestDatabase) -> None:
    """The roles belong to the server, so both make them."""
    gate = threading.Barrier(2)

    def migrate(database: TestDatabase) -> None:
        gate.wait()
        schema.upgrade(database.admin_url)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(migrate, (empty, another)))
    assert snapshot(empty.admin_url) == snapshot(another.admin_url)


def test_of_two_migrators_of_one_database_the_second_finds_the_work_done(
    empty: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the first one takes."""
    gate, steps = threading.Barrier(2), list[str]()
    monkeypatch.setattr("db.connect.DatabaseSettings", partial(DatabaseSettings, lock_timeout_ms=500))

    def migrate(_: int) -> None:
        gate.wait()
        schema.upgrade(empty.admin_url, report=steps.append)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(migrate, range(2)))
    assert len(steps) == len(REVISIONS)


def test_no_role_of_ours_can_log_in_or_pass_by_row_level_security(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url)
    before = empty.ask("SELECT rolname, rolsuper, rolcanlogin, rolbypassrls FROM pg_roles WHERE rolname LIKE 'mcp_%'")
    assert sorted(before) == [(role, False, False, False) for role in sorted((roles.OWNER, *roles.GROUPS.values()))]


def test_tables_of_another_program_are_not_touched(empty: TestDatabase) -> None:
    empty.ask("CREATE TABLE users (id int)")
    before = _relations(empty)
    with pytest.raises(MigrationRefused, match=r"Another program's tables are in the way \(users\)"):
        schema.upgrade(empty.admin_url)
    assert _relations(empty) == before


def _relations(database: TestDatabase) -> list[tuple[object, ...]]:
    return database.ask("SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace")


def test_a_step_that_fails_is_rolled_back_whole(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url, "0005")
    with psycopg.connect(empty.admin_url, autocommit=True) as connection:
        connection.execute("SET ROLE mcp_owner")
        connection.execute("CREATE VIEW maintenance.partition_health AS SELECT 1 AS in_the_way")
    with pytest.raises(MigrationRefused, match=r"was rolled back.*partition_health"):
        schema.upgrade(empty.admin_url)
    assert empty.value("SELECT version_num FROM alembic_version") == "0005"
    assert empty.value("SELECT to_regprocedure('maintenance.uuid7_floor(timestamptz)') IS NULL")


def test_a_revision_of_nobody_is_refused(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url)
    empty.ask("UPDATE alembic_version SET version_num = 'beef'")
    with pytest.raises(MigrationRefused, match="beef"):
        schema.upgrade(empty.admin_url)


def test_the_owner_owns_everything_and_cannot_log_in(empty: TestDatabase) -> None:
    schema.upgrade(empty.admin_url)
    strays = empty.ask(
        """
        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'gateway', 'maintenance', 'partitions', 'archive')
           AND c.relowner <> 'mcp_owner'::regrole
        """
    )
    assert strays == []
