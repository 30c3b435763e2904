"""A database that is not ours to change, or not as we left it: a sentence, exit 1, and nothing changed."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from db import schema
from db.__main__ import main
from tests.databases import TestDatabase

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
    migrated.ask("DROP TABLE shared_moves")
    schema.downgrade(migrated.admin_url, "0025")
    assert "was rolled back" in _refused(migrated, capsys, ["downgrade", "0023"])


@pytest.mark.parametrize("command", [["upgrade", "0099"], ["downgrade", "0099"], ["upgrade", "x y"]], ids=" ".join)
def test_a_revision_that_does_not_exist(
    migrated: TestDatabase, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "The database was left as it was" in _refused(migrated, capsys, command)


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
