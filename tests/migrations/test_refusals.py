"""A database that is not ours to change, or not as we left it: a sentence, exit 1, and nothing changed."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from db import ground, roles, schema
from db.__main__ import main
from db.connect import admin_engine
from db.errors import MigrationRefused
from tests import databases
from tests.databases import TestDatabase
from tests.integration.db.worlds import NOW, Row, World, insert

from .catalog import snapshot

STRANGER = "minimcp_test_stranger"
COMMANDS = (["upgrade"], ["downgrade", "0003"])


@pytest.fixture
def migrated(empty: TestDatabase) -> TestDatabase:
    schema.upgrade(empty.admin_url)
    return empty


@pytest.fixture
def stranger(empty: TestDatabase) -> Iterator[str]:
    """Give the URL of a login that may make roles but does not own the database."""
    with psycopg.connect(empty.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(STRANGER)))
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD 'only for tests'").format(sql.Identifier(STRANGER))
        )
    parts = urlsplit(empty.admin_url)
    yield parts._replace(netloc=f"{STRANGER}:only%20for%20tests@{parts.hostname}:{parts.port}").geturl()
    with psycopg.connect(empty.admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(sql.Identifier(STRANGER)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(STRANGER)))


def _state(database: TestDatabase) -> list[object]:
    """Give everything that a command could change: the catalog, the revision, the roles and what they may."""
    is_versioned = database.value("SELECT to_regclass('public.alembic_version') IS NOT NULL")
    return [
        *snapshot(database.admin_url),
        *(database.ask("TABLE alembic_version ORDER BY 1") if is_versioned else ["no version"]),
        *database.ask("SELECT datacl::text, datdba::regrole::text FROM pg_database WHERE datname = current_database()"),
        *database.ask("SELECT nspacl::text FROM pg_namespace WHERE nspname = 'public'"),
        *database.ask(
            "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members"
            " WHERE member = to_regrole(%s) OR roleid = to_regrole('mcp_owner') ORDER BY 1, 2",
            STRANGER,
        ),
    ]


def _refused(
    database: TestDatabase, capsys: pytest.CaptureFixture[str], command: list[str], url: str | None = None
) -> str:
    """Run a command that must be refused in one sentence, and give that."""
    before = _state(database)
    assert main(command, {"DATABASE_ADMIN_URL": url or database.admin_url}) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert _state(database) == before
    return captured.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
def test_a_login_that_does_not_own_the_database(
    empty: TestDatabase, stranger: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "owns the database" in _refused(empty, capsys, command, stranger)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
@pytest.mark.parametrize(
    "thing",
    [
        "CREATE TABLE users (id int)",
        "CREATE VIEW api_keys AS SELECT 1 AS one",
        "CREATE SEQUENCE tenants",
        "CREATE SCHEMA gateway; CREATE TABLE gateway.sessions (id int)",
        "CREATE SCHEMA maintenance",
        "CREATE VIEW user_services_summary AS SELECT 1 AS one",
        "CREATE FUNCTION touch_updated_at() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE user_role AS ENUM ('king')",
        "CREATE TYPE tenants AS ENUM ('one')",
        "CREATE TABLE alembic_version (version_num varchar(32)); INSERT INTO alembic_version VALUES ('ae1027a6acf')",
    ],
)
def test_what_is_another_programs(
    empty: TestDatabase, thing: str, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    empty.ask(thing)
    assert "give MiniMCP a database of its own" in _refused(empty, capsys, command)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
def test_a_table_that_another_program_put_among_ours_later(
    migrated: TestDatabase, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    migrated.ask("ALTER TABLE outbox RENAME TO outbox_away; CREATE TABLE outbox (id int)")
    assert "Another program's tables are in the way (outbox)" in _refused(migrated, capsys, command)


@pytest.mark.parametrize("command", [*COMMANDS, ["upgrade", "0005"]], ids=" ".join)
def test_a_revision_that_newer_code_left(
    migrated: TestDatabase, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    migrated.ask("UPDATE alembic_version SET version_num = '9999'")
    assert "9999" in (said := _refused(migrated, capsys, command))
    assert "deploy the newer code" in said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
def test_a_revision_that_was_lost(
    migrated: TestDatabase, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a restore of half a dump: the tables are there, and nobody knows how far they are."""
    migrated.ask("DELETE FROM alembic_version")
    assert "does not say at which revision" in _refused(migrated, capsys, command)
    migrated.ask("DROP TABLE alembic_version")
    assert "does not say at which revision" in _refused(migrated, capsys, command)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: each[0])
def test_two_revisions_at_once(migrated: TestDatabase, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    migrated.ask("INSERT INTO alembic_version VALUES ('0003')")
    assert "several revisions" in _refused(migrated, capsys, command)


def test_a_step_that_was_half_done_by_hand(empty: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    schema.upgrade(empty.admin_url, "0010")
    empty.ask("SET ROLE mcp_owner; CREATE TABLE encryption_keys (id int)")
    said = _refused(empty, capsys, ["upgrade"])
    assert "was rolled back" in said
    assert '"encryption_keys" already exists' in said


def test_a_step_down_of_something_that_is_gone(migrated: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    schema.downgrade(migrated.admin_url, "0025")
    migrated.ask("DROP TABLE shared_moves")
    assert "was rolled back" in _refused(migrated, capsys, ["downgrade", "0023"])


@pytest.mark.parametrize(
    ("revision", "below", "table"),
    [
        ("0026", "0025", "api_keys_archive"),
        ("0026", "0025", "mcp_events_archive"),
        ("0015", "0014", "mcp_instances_archive"),
        ("0015", "0014", "mcp_types_archive"),
    ],
)
def test_a_step_down_that_would_destroy_what_was_archived(
    empty: TestDatabase, revision: str, below: str, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    schema.upgrade(empty.admin_url, revision)
    world = World(1)
    with psycopg.connect(empty.admin_url) as connection:
        insert(connection, "users", {"id": world.user_id, "email": "ada@example.org", "name": "Ada"})
        insert(connection, table, _row(empty, world, table))
    said = _refused(empty, capsys, ["downgrade", below])
    assert "copy their rows elsewhere" in said
    assert table in said
    assert empty.value(f"SELECT count(*) FROM {table}") == 1  # noqa: S608  the test's own words
    empty.ask(f"DELETE FROM {table}")  # noqa: S608  the test's own words
    assert main(["downgrade", below], {"DATABASE_ADMIN_URL": empty.admin_url}) == 0


def _row(database: TestDatabase, world: World, table: str) -> Row:
    """Give what the table of that revision takes of a world's row."""
    columns = database.ask("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", table)
    typed = {"config_template": "{}", "required_scopes": "[]", "resource_limits": "{}", "max_duration_minutes": 60}
    dated = {"is_active": True, "created_at": NOW, "updated_at": NOW}
    row: Row = world.rows.get(table) or {**world.rows["mcp_types"], **typed, **dated}
    return {column: value for column, value in row.items() if (column,) in columns}


@pytest.mark.parametrize("command", [["upgrade", "0099"], ["downgrade", "0099"], ["upgrade", "x y"]], ids=" ".join)
def test_a_revision_that_does_not_exist(
    migrated: TestDatabase, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "The database was left as it was" in _refused(migrated, capsys, command)


def test_what_can_be_in_the_way_is_all_that_is_made_in_the_public_schema(migrated: TestDatabase) -> None:
    made = {
        kind: {
            name
            for (name,) in migrated.ask(
                f"SELECT {column} FROM {catalog} WHERE {namespace} = 'public'::regnamespace AND {condition}"  # noqa: S608  our own names
            )
        }
        for kind, catalog, column, namespace, condition in (
            ("views", "pg_class", "relname", "relnamespace", "relkind IN ('v', 'm')"),
            ("functions", "pg_proc", "proname", "pronamespace", "true"),
            ("types", "pg_type", "typname", "typnamespace", "typrelid = 0 AND typcategory <> 'A'"),
        )
    }
    known = {"views": ground._VIEWS, "functions": ground._FUNCTIONS, "types": ground._TYPES}
    assert made == {kind: set(names) for kind, names in known.items()}


@pytest.mark.parametrize("power", ["LOGIN", "SUPERUSER", "BYPASSRLS"])
@pytest.mark.parametrize("role", [roles.OWNER, roles.GROUPS["worker"]])
def test_a_group_that_may_do_too_much(migrated: TestDatabase, role: str, power: str) -> None:
    """Never committed: the role is also that of the databases of other tests."""
    engine = admin_engine(migrated.admin_url)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"ALTER ROLE {role} {power}")
        with pytest.raises(MigrationRefused, match=f"{role} has {power}, .* `ALTER ROLE {role} NOLOGIN"):
            ground.check(connection, known=[schema.head()], head=schema.head())
        connection.rollback()
        ground.check(connection, known=[schema.head()], head=schema.head())
    engine.dispose()


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_a_table_that_is_missing_from_the_newest_schema(
    migrated: TestDatabase, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    migrated.ask("DROP TABLE gateway.sessions CASCADE; DROP TABLE public.shared_moves")
    roles.create_login(migrated.admin_url, databases.LOGIN, databases.PASSWORD, "worker")
    url = migrated.worker_url if command == "check" else migrated.admin_url
    before = _state(migrated)
    assert main([command], {"DATABASE_URL": url}) == 1
    captured = capsys.readouterr()
    assert "tables are missing (gateway.sessions, public.shared_moves)" in captured.err
    assert captured.out == ""
    assert _state(migrated) == before


def test_a_check_of_each_of_them_changes_nothing(migrated: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    for change, said in (
        ("UPDATE alembic_version SET version_num = '9999'", "deploy the newer code"),
        ("UPDATE alembic_version SET version_num = '0003'", "run `python -m db upgrade`"),
        ("INSERT INTO alembic_version VALUES ('0004')", "several revisions"),
        ("DELETE FROM alembic_version", "empty"),
    ):
        migrated.ask(change)
        before = _state(migrated)
        assert main(["check"], {"DATABASE_URL": migrated.admin_url}) == 1
        assert said in capsys.readouterr().err
        assert _state(migrated) == before
