"""What the migrations make changes only when somebody means it to."""

from typing import Final

import pytest

from tests.databases import TestDatabase

from .accepted import differences, drift
from .catalog import read, snapshot

# What `alembic check` does not see, and what it does.
CHANGES: Final = [
    ("ALTER TABLE mcp_instances DROP CONSTRAINT check_status", "-constraint public.mcp_instances.check_status |"),
    ("DROP POLICY producer_own ON mcp_logs", "-policy public.mcp_logs.producer_own |"),
    ("ALTER POLICY producer_own ON users USING (true)", "+policy public.users.producer_own |"),
    (
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "-relation public.users | kind r | owner mcp_owner | row_security |",
    ),
    ("ALTER VIEW user_services_summary RESET (security_invoker)", "+relation public.user_services_summary |"),
    ("GRANT UPDATE ON mcp_events TO mcp_worker", "+relation public.mcp_events |"),
    ("GRANT SELECT (password_hash) ON users TO mcp_producer", "+column public.users.password_hash |"),
    ("ALTER TABLE mcp_types ALTER is_active SET DEFAULT false", "+column public.mcp_types.is_active |"),
    ("ALTER TABLE mcp_types ALTER category TYPE text", "+column public.mcp_types.category | type text |"),
    ("COMMENT ON COLUMN users.name IS NULL", "-column public.users.name |"),
    ("COMMENT ON INDEX idx_users_role IS NULL", "-index public.idx_users_role |"),
    ("ALTER TABLE users DISABLE TRIGGER users_updated_at", "+trigger public.users.users_updated_at |"),
    ("ALTER TYPE user_role ADD VALUE 'owner'", "+type public.user_role |"),
    ("ALTER FUNCTION count_live_instances SECURITY DEFINER", "+function public.count_live_instances(uuid) |"),
    (
        "CREATE OR REPLACE FUNCTION current_app_user() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'",
        "+function public.current_app_user() definition> AS $function$SELECT gen_random_uuid()$function$",
    ),
    (
        "DROP INDEX idx_mcp_logs_level; CREATE INDEX idx_mcp_logs_level ON mcp_logs (level) WHERE level = 'error'",
        "+index public.idx_mcp_logs_level |",
    ),
    (
        "CREATE TABLE mcp_logs_rest PARTITION OF mcp_logs DEFAULT",
        "+relation public.mcp_logs_rest | kind r | owner postgres | partition_of public.mcp_logs",
    ),
    ("ALTER SCHEMA archive OWNER TO mcp_worker", "+schema archive |"),
]


def test_the_catalog_is_the_one_that_was_accepted(test_database: TestDatabase) -> None:
    drifted = drift(snapshot(test_database.admin_url))
    assert not drifted, f"the migrations make another catalog; if they should: `python -m tests.migrations`\n{drifted}"


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_a_change_is_told_with_the_name_of_what_changed(test_database: TestDatabase, change: str, told: str) -> None:
    before = snapshot(test_database.admin_url)
    test_database.ask(change)
    assert told in differences(before, snapshot(test_database.admin_url))


def test_the_month_does_not_matter(test_database: TestDatabase) -> None:
    before = snapshot(test_database.admin_url)
    test_database.ask("UPDATE maintenance.data_retention_policies SET units_ahead = 12")
    assert test_database.value("SELECT cardinality(maintenance.ensure_partitions()) > 0")
    assert differences(before, snapshot(test_database.admin_url)) == ""


@pytest.mark.parametrize("kind", ["schema", "relation", "column", "index", "function", "type"])
def test_everything_says_what_it_is_for(test_database: TestDatabase, kind: str) -> None:
    """But for partitions and what PostgreSQL makes by itself: sequences, and indexes of constraints."""
    found = read(test_database.admin_url)[kind]
    by_itself = [row for row in found if row.get("partition_of") or row.get("of_constraint") or row.get("kind") == "S"]
    silent = [row["name"] for row in found if row not in by_itself and not (row["comment"] or "").strip()]
    assert silent == []
    assert len(found) > len(by_itself)
