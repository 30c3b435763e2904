"""The models say what the migrations made."""

from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, Connection, create_engine

from db.models import Base
from tests import databases
from tests.databases import TestDatabase

SEEDED_INDEXES = [
    "idx_api_key_validation_cache_expires",
    "idx_api_keys_user_type",
    "idx_mcp_events_instance",
    "idx_mcp_instances_access_token",
    "idx_mcp_instances_expires_at",
    "idx_mcp_instances_port",
    "idx_mcp_instances_process_id",
    "idx_mcp_instances_status",
    "idx_mcp_instances_type",
    "idx_mcp_instances_user_status",
    "idx_mcp_logs_instance_timestamp",
    "idx_mcp_logs_level",
    "idx_mcp_logs_timestamp",
    "idx_port_allocations_available",
    "idx_port_allocations_mcp",
    "idx_service_registry_available",
    "idx_service_registry_category",
    "idx_users_email",
]


@pytest.fixture(scope="module")
def migrated(database_template: TestDatabase, database_server_url: str) -> Iterator[TestDatabase]:
    database = databases.copy(database_template)
    yield database
    databases.drop(database, database_server_url)


@pytest.fixture
def connection(migrated: TestDatabase) -> Iterator[Connection]:
    engine = create_engine(migrated.admin_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as opened:
        yield opened
    engine.dispose()


def _is_ours(name: str | None, kind: str, parents: Any) -> bool:  # noqa: ANN401  Alembic's mapping of parents
    if kind == "schema":
        return name in {None, "gateway", "maintenance"}
    return not (kind == "table" and parents["schema_name"] is None and name == "alembic_version")


# The catalog writes the expressions of computed columns in its own way, which Alembic cannot compare.
@pytest.mark.filterwarnings("ignore:Computed default on")
def test_a_migration_made_from_the_models_would_be_empty(connection: Connection) -> None:
    context = MigrationContext.configure(
        connection,
        opts={"include_schemas": True, "include_name": _is_ours, "compare_type": True, "compare_server_default": True},
    )
    found = compare_metadata(context, Base.metadata)
    assert [difference for difference in found if not _is_comment(difference)] == []


def _is_comment(difference: Any) -> bool:  # noqa: ANN401  Alembic nests tuples and lists of them
    # Comments live in the migrations only: the catalog is where people and tools read them.
    first = difference[0] if isinstance(difference, list) else difference
    return "comment" in first[0]


def test_tables_made_from_the_models_are_those_of_the_migrations(
    test_database: TestDatabase,
) -> None:
    """Alembic compares neither CHECK constraints nor predicates and expressions of indexes."""
    names = [table.fullname for table in Base.metadata.tables.values()]
    built = _described(test_database, names)
    admin = create_engine(test_database.admin_url.replace("postgresql://", "postgresql+psycopg://"))
    with admin.begin() as owner:
        owner.exec_driver_sql("DROP SCHEMA partitions CASCADE")
        owner.exec_driver_sql("SET ROLE mcp_owner")
        owner.exec_driver_sql(f"DROP TABLE {', '.join(names)} CASCADE")
        Base.metadata.create_all(owner, checkfirst=False)
    admin.dispose()
    assert _described(test_database, names) == built


def _described(database: TestDatabase, tables: list[str]) -> list[tuple[object, ...]]:
    return database.ask(
        """
        SELECT c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
               a.attidentity::text || a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.oid = ANY (%s::regclass[])
        UNION ALL
        SELECT k.conrelid::regclass::text, k.conname, pg_get_constraintdef(k.oid), NULL, NULL, NULL
          FROM pg_constraint k WHERE k.conrelid = ANY (%s::regclass[]) AND k.contype <> 'n'
           AND NOT (k.contype = 'f' AND k.conparentid <> 0)
        UNION ALL
        SELECT i.indrelid::regclass::text, c.relname, pg_get_indexdef(c.oid), NULL, NULL, NULL
          FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = ANY (%s::regclass[])
         ORDER BY 1, 2, 3
        """,
        tables,
        tables,
        tables,
    )


def test_checks_have_the_same_names_in_the_models_and_in_the_catalog(migrated: TestDatabase) -> None:
    """Alembic does not compare CHECK constraints."""
    built = migrated.ask(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'c' AND conparentid = 0"
        " AND connamespace IN ('public'::regnamespace, 'gateway'::regnamespace, 'maintenance'::regnamespace)"
    )
    modelled = [
        (table.fullname, str(constraint.name))
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    ]
    assert sorted(built) == sorted(modelled)


def test_indexes_have_the_names_of_the_specification(migrated: TestDatabase) -> None:
    rows = migrated.ask("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    assert set(SEEDED_INDEXES) <= {name for (name,) in rows}


def test_every_foreign_key_has_an_index_to_follow_it_back(migrated: TestDatabase) -> None:
    """Else deleting a user reads whole tables."""
    slow = migrated.ask(
        """
        SELECT k.conname FROM pg_constraint k
         WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT EXISTS (
               SELECT FROM pg_index i WHERE i.indrelid = k.conrelid AND i.indkey[0] = k.conkey[1])
        """
    )
    assert slow == []


def test_every_table_with_updated_at_keeps_it(migrated: TestDatabase) -> None:
    """But for archives, whose rows stay as they came."""
    forgotten = migrated.ask(
        """
        SELECT c.oid::regclass::text FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'updated_at'
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'gateway', 'maintenance') AND c.relkind IN ('r', 'p')
           AND c.relname NOT LIKE '%_archive' AND NOT EXISTS (
               SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgfoid = 'touch_updated_at'::regproc)
        """
    )
    assert forgotten == []


def test_row_level_security_is_on_for_every_table_that_leads_to_a_user(migrated: TestDatabase) -> None:
    """Users themselves, and whatever has a foreign key to them or to their instances; ports belong to hosts."""
    open_ones = migrated.ask(
        """
        SELECT DISTINCT c.oid::regclass::text FROM pg_class c
          LEFT JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f'
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT c.relrowsecurity
           AND (c.oid = 'users'::regclass OR k.confrelid IN ('users'::regclass, 'mcp_instances'::regclass))
        """
    )
    assert open_ones == [("port_allocations",)]
