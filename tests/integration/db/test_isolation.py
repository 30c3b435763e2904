"""What each role may do, tried with real logins."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest

from db import roles
from db.engine import Database
from db.errors import DatabaseUnavailable, SchemaNotAtHead, UnsafeRole
from db.settings import DatabaseSettings
from tests import databases
from tests.databases import PASSWORD, TestDatabase

from .given import Given

Denied = psycopg.errors.InsufficientPrivilege


def _url(database: TestDatabase, login: str) -> str:
    parts = urlsplit(database.admin_url)
    return parts._replace(netloc=f"{login}:{quote(PASSWORD)}@{parts.hostname}:{parts.port}").geturl()


@pytest.fixture(params=["producer", "reader"])
def other_role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def producer(shared: TestDatabase) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    roles.create_login(shared.admin_url, "minimcp_test_producer", PASSWORD, "producer")
    with psycopg.connect(_url(shared, "minimcp_test_producer"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def worker(shared: TestDatabase) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    with psycopg.connect(shared.worker_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def two_users(db: Database, given: Given) -> tuple[UUID, UUID]:
    """Have two users with an instance each, an event, a line and a verdict."""
    users = given.a_user(), given.a_user()
    for user_id in users:
        instance_id = given.an_instance(db, user_id=user_id)
        given.database.ask("INSERT INTO mcp_logs (mcp_instance_id, message) VALUES (%s, 'mine')", instance_id)
        given.database.ask(
            "WITH target AS (INSERT INTO health_targets (id, kind, mcp_instance_id) VALUES (%s, 'instance', %s)"
            " RETURNING id) INSERT INTO health_checks (target_id, scheduled_at, verdict, checked_at)"
            " SELECT id, now(), 'up', now() FROM target",
            instance_id,
            instance_id,
        )
    return users


OWNED = ["users", "mcp_instances", "mcp_events", "mcp_logs", "health_targets", "health_checks"]


def _count(connection: "psycopg.Connection[tuple[object, ...]]", table: str) -> object:
    row = connection.execute(f"SELECT count(id_) FROM (SELECT 1 AS id_ FROM {table}) t".encode()).fetchone()  # noqa: S608  our tables
    return row and row[0]


@pytest.mark.parametrize("table", OWNED)
def test_a_producer_sees_the_rows_of_its_user_only(
    producer: "psycopg.Connection[tuple[object, ...]]", two_users: tuple[UUID, UUID], table: str
) -> None:
    with producer.transaction():
        producer.execute("SELECT set_config('app.user_id', %s, true)", [str(two_users[0])])
        assert _count(producer, table) == 1


@pytest.mark.parametrize("table", OWNED)
def test_a_producer_without_a_user_sees_nothing(
    producer: "psycopg.Connection[tuple[object, ...]]", two_users: tuple[UUID, UUID], table: str
) -> None:
    assert two_users
    assert _count(producer, table) == 0
    with producer.transaction():
        producer.execute("SELECT set_config('app.user_id', %s, true)", [str(two_users[0])])
    assert _count(producer, table) == 0, "the user of one transaction is not the user of the next"


def test_a_producer_cannot_read_hashes_of_passwords(producer: "psycopg.Connection[tuple[object, ...]]") -> None:
    with pytest.raises(Denied):
        producer.execute("SELECT password_hash FROM users")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO users (email, name) VALUES ('a@example.org', 'a')",
        "UPDATE mcp_instances SET status = 'error'",
        "DELETE FROM mcp_logs",
        "SELECT * FROM api_keys",
        "SELECT * FROM inbox",
        "SELECT * FROM dead_letters",
        "SELECT * FROM encryption_keys",
        "SELECT maintenance.ensure_partitions()",
        "SELECT count_live_instances(gen_random_uuid())",
    ],
)
def test_a_producer_is_denied_everything_else(
    producer: "psycopg.Connection[tuple[object, ...]]", statement: str
) -> None:
    with pytest.raises(Denied):
        producer.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (a int)",
        "CREATE SCHEMA mine",
        "DROP TABLE mcp_logs",
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE mcp_logs DISABLE TRIGGER ALL",
        "CREATE INDEX ON users (name)",
        "CREATE POLICY mine ON users USING (true)",
        "TRUNCATE log_quarantine",
        "TRUNCATE mcp_events",
        "UPDATE mcp_events SET event_type = 'nothing happened'",
        "DELETE FROM mcp_events",
        "UPDATE maintenance.data_retention_policies SET retention_days = 1",
        "DELETE FROM maintenance.data_retention_policies",
        "DELETE FROM maintenance.runs",
        "UPDATE maintenance.detached_partitions SET archived_at = now()",
        "UPDATE alembic_version SET version_num = '0000'",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE mcp_owner",
        "CREATE ROLE mine",
    ],
)
def test_a_worker_may_not_change_the_schema_or_the_record(
    worker: "psycopg.Connection[tuple[object, ...]]", statement: str
) -> None:
    with pytest.raises(Denied):
        worker.execute(statement.encode())


@pytest.mark.parametrize("login", ["worker", "producer"])
def test_nobody_enters_a_partition_past_its_parent(
    request: pytest.FixtureRequest, shared: TestDatabase, login: str
) -> None:
    connection = request.getfixturevalue(login)
    for (name,) in shared.ask("SELECT partition_name FROM maintenance.partition_catalog"):
        with pytest.raises(Denied):
            connection.execute(f"SELECT * FROM partitions.{name}".encode())  # noqa: S608  a name from the catalog


def test_a_reader_sees_the_machinery_and_no_row_of_a_user(shared: TestDatabase) -> None:
    roles.create_login(shared.admin_url, "minimcp_test_reader", PASSWORD, "reader")
    with psycopg.connect(_url(shared, "minimcp_test_reader"), autocommit=True) as reader:
        for relation in ("maintenance.partition_health", "maintenance.runs", "mcp_types", "port_allocations"):
            reader.execute(f"SELECT * FROM {relation}".encode())  # noqa: S608  our relations
        for table in OWNED:
            with pytest.raises(Denied):
                reader.execute(f"SELECT * FROM {table}".encode())  # noqa: S608  our tables


def test_every_function_that_runs_as_the_owner_is_closed_to_the_public_and_has_a_fixed_path(
    shared: TestDatabase,
) -> None:
    open_ones = shared.ask(
        """
        SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE n.nspname IN ('public', 'maintenance') AND p.prosecdef
           AND (has_function_privilege('mcp_producer', p.oid, 'EXECUTE') AND p.proname <> 'enqueue_message'
                OR has_function_privilege('mcp_reader', p.oid, 'EXECUTE') OR p.proconfig IS NULL
                OR NOT 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig))
        """
    )
    assert open_ones == []


def test_a_worker_may_start_with_a_login_of_the_worker(shared: TestDatabase) -> None:
    with shared.worker() as database:
        database.check()


def _check(url: str) -> None:
    database = Database(DatabaseSettings(url=url))
    try:
        database.check()
    finally:
        database.close()


def test_a_superuser_is_refused(shared: TestDatabase) -> None:
    if not shared.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        pytest.skip("the tests run as a login that is no superuser")
    with pytest.raises(UnsafeRole, match=r"superuser.*python -m db login"):
        _check(shared.admin_url)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [("IN ROLE mcp_worker, mcp_owner", "mcp_owner"), ("BYPASSRLS IN ROLE mcp_worker", "BYPASSRLS"), ("", "read the")],
)
def test_a_login_that_may_too_much_or_too_little_is_refused(shared: TestDatabase, change: str, complaint: str) -> None:
    login = f"minimcp_test_{uuid4().hex[:8]}"
    shared.ask(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' {change}")
    try:
        with pytest.raises(UnsafeRole, match=rf"{complaint}.*python -m db login"):
            _check(_url(shared, login))
    finally:
        shared.ask(f"DROP ROLE {login}")


def test_a_producer_may_not_work(shared: TestDatabase) -> None:
    roles.create_login(shared.admin_url, "minimcp_test_producer", PASSWORD, "producer")
    with pytest.raises(UnsafeRole):
        _check(_url(shared, "minimcp_test_producer"))


@pytest.mark.parametrize(
    ("found", "complaint"),
    [("0003", r"at revision 0003.*run `python -m db upgrade`"), ("9999", r"9999.*deploy the newer code")],
)
def test_a_schema_of_another_version_is_refused(test_database: TestDatabase, found: str, complaint: str) -> None:
    test_database.ask("UPDATE alembic_version SET version_num = %s", found)
    with pytest.raises(SchemaNotAtHead, match=complaint):
        _check(test_database.worker_url)


def test_an_empty_database_is_refused(database_server_url: str) -> None:
    empty = databases._create(database_server_url, "empty")
    try:
        with pytest.raises(SchemaNotAtHead, match=r"empty.*python -m db upgrade"):
            _check(empty.admin_url)
    finally:
        databases.drop(empty, database_server_url)


def test_a_server_that_is_not_there_is_said_to_be_unavailable_without_the_password() -> None:
    with pytest.raises(DatabaseUnavailable) as unavailable:
        _check("postgresql://someone:very-secret@127.0.0.1:1/nothing")
    assert "refused" in str(unavailable.value)
    assert "very-secret" not in str(unavailable.value)


def test_no_powerful_role_is_turned_into_a_login(shared: TestDatabase) -> None:
    powerful = f"minimcp_test_{uuid4().hex[:8]}"
    shared.ask(f"CREATE ROLE {powerful} BYPASSRLS")
    try:
        with pytest.raises(UnsafeRole):
            roles.create_login(shared.admin_url, powerful, PASSWORD, "worker")
    finally:
        shared.ask(f"DROP ROLE {powerful}")


def test_a_login_made_again_has_the_new_password_and_the_server_never_saw_either(shared: TestDatabase) -> None:
    login = f"minimcp_test_{uuid4().hex[:8]}"
    try:
        for password in ("the first", "the second ' \\ \" one"):
            roles.create_login(shared.admin_url, login, password, "worker")
        stored = shared.value("SELECT rolpassword FROM pg_authid WHERE rolname = %s", login)
        assert str(stored).startswith("SCRAM-SHA-256$")
    finally:
        shared.ask(f"DROP ROLE {login}")
