"""A user is forgotten in every table, partition and archive; others lose nothing."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from db import erasing
from db.engine import Database
from tests import databases
from tests.databases import TestDatabase

from .worlds import NOW, Connection, Row, World, change, identifier, insert

# Records stay, and say nothing of the user.
STAYS: Final = {
    "audit_log",
    "dead_letters",
    "port_allocations",
    "gateway.audit_logs",
    "gateway.request_logs",
    "gateway.fastmcp_audit_log",
}


class Life:
    """A world whose user is named wherever one can be, and in an older month and a detached partition too."""

    def __init__(self, number: int) -> None:
        self.world = World(number)
        self.name = f"Ada Lovelace-{uuid4().hex}"
        self.email = f"ada-{uuid4().hex}@people.example"
        unique: Row = {"username": f"ada-{uuid4().hex}", "auth_provider_id": uuid4().hex}
        self.world.rows["users"] |= {"name": self.name, "email": self.email, **unique}

    @property
    def user_id(self) -> UUID:
        return self.world.user_id

    @property
    def share_id(self) -> str:
        return str(self.world.rows["user_service_instances"]["instance_id"])

    def traces(self) -> set[str]:
        """Give every word by which the user could be found."""
        world = self.world
        found = {str(world.rows["users"]["username"]), str(world.rows["users"]["auth_provider_id"])}
        return found | {str(self.user_id), self.name, self.email, str(world.instance_id), self.share_id}

    def insert(self, connection: Connection) -> None:
        world, told = self.world, f'{{"who": "{self.user_id}", "mail": "{self.email}", "name": "{self.name}"}}'
        world.rows["user_service_instances"]["instance_id"] = f"share-{uuid4().hex}"
        for table in ("shared_moves", "service_usage_analytics", "service_usage_quarantine"):
            world.rows[table]["instance_id"] = self.share_id
        world.insert(connection)
        change(connection, world, "audit_log", {"user_id": self.user_id, "ip_address": "10.0.0.9", "old_data": told})
        changed: Row = {"table_name": "users", "action": "UPDATE", "record_id": str(self.user_id), "new_data": told}
        insert(connection, "audit_log", changed)
        about: Row = {"table_name": "tenants", "action": "UPDATE", "record_id": "t", "new_data": told}
        insert(connection, "audit_log", about)
        change(connection, world, "gateway.fastmcp_audit_log", {"user_id": self.email, "params": told})
        change(connection, world, "gateway.audit_logs", {"details": told, "ip_address": "10.0.0.9"})
        others: Row = {
            "action": "a",
            "resource_type": "user",
            "resource_id": str(self.user_id),
            "tenant_id": world.tenant_id,
        }
        insert(connection, "gateway.audit_logs", others)
        change(connection, world, "gateway.request_logs", {"headers": told, "ip_address": "10.0.0.9"})
        change(connection, world, "log_quarantine", {"payload": told})
        insert(connection, "maintenance.runs", {"task": "t", "started_at": NOW, "detail": told})
        change(connection, world, "outbox", {"payload": told})
        theirs = {"user_id": None, "queue": "q", "wire_name": "w", "tenant_id": world.tenant_id}
        insert(connection, "outbox", {"message_id": uuid4(), "payload": told, **theirs})
        self._put_by(connection)

    def _put_by(self, connection: Connection) -> None:
        lines = f'{{"instance_id": "{self.world.instance_id}", "message": "{self.name}"}}'
        alone = f'{{"args": [{{"lines": [{lines}]}}]}}'
        insert(connection, "dead_letters", letter(alone, f"about {self.email}"))
        insert(connection, "dead_letters", letter(f"not JSON {self.user_id}", "e"))
        message = {"message_id": uuid4(), "queue": "logs", "wire_name": "logs.emitted.v1", "state": "parked"}
        insert(connection, "redeliveries", {**message, "envelope": alone})


def letter(payload: str, error: str) -> Row:
    told = {"queue": "logs", "wire_name": "logs.emitted.v1", "reason": "invalid", "host": "here"}
    return {"message_id": str(uuid4()), "payload": payload, "error": error, **told}


@pytest.fixture
def lives(database_template: TestDatabase, database_server_url: str) -> Iterator[tuple[TestDatabase, Life, Life]]:
    """Have two users in every table, and in a month that was detached."""
    copied = databases.copy(database_template)
    first, second = Life(1), Life(2)
    with psycopg.connect(copied.admin_url) as connection:
        first.insert(connection)
        second.insert(connection)
        both = [f'{{"instance_id": "{each.world.instance_id}", "message": "x"}}' for each in (first, second)]
        mixed = f'{{"args": [{{"lines": [{", ".join(both)}]}}]}}'
        insert(connection, "dead_letters", letter(mixed, "both"))
        message = {"message_id": uuid4(), "queue": "logs", "wire_name": "logs.emitted.v1", "state": "retry"}
        insert(connection, "redeliveries", {**message, "envelope": mixed})
        detach(connection, "mcp_logs", "timestamp", {"message": "old"}, (first, second))
    yield copied, first, second
    databases.drop(copied, database_server_url)


def detach(connection: Connection, table: str, column: str, row: Row, lives: tuple[Life, ...]) -> None:
    """Have rows of two users in a partition that left its table."""
    connection.execute(
        "CREATE TABLE partitions.old_logs PARTITION OF mcp_logs FOR VALUES FROM ('2020-01-01') TO ('2020-02-01')"
    )
    for life in lives:
        insert(connection, table, {"mcp_instance_id": life.world.instance_id, column: "2020-01-15T00:00Z", **row})
    connection.execute("ALTER TABLE mcp_logs DETACH PARTITION partitions.old_logs")
    connection.execute("ALTER TABLE partitions.old_logs SET SCHEMA archive")
    connection.execute("ALTER TABLE archive.old_logs OWNER TO mcp_owner")
    connection.execute(
        "INSERT INTO maintenance.detached_partitions (relation, relid, parent, range_from, range_to, needs_archive,"
        " drop_after) VALUES ('archive.old_logs', 'archive.old_logs'::regclass, 'public.mcp_logs', '2020-01-01',"
        " '2020-02-01', false, now() + interval '7 days')"
    )


def everything(database: TestDatabase) -> dict[str, list[str]]:
    """Give all rows of all tables and partitions as text."""
    relations = database.ask(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname IN ('public', 'gateway', 'maintenance', 'partitions', 'archive')"
    )
    assert len(relations) > 60
    return {
        str(name): [str(row) for (row,) in database.ask(f"SELECT to_jsonb(t)::text FROM {name} t")]  # noqa: S608  names of the catalog
        for (name,) in relations
    }


def found(database: TestDatabase, life: Life) -> dict[str, set[str]]:
    """Tell where a user can still be found, and by which word."""
    rows = everything(database)
    hits = {name: {word for word in life.traces() for row in held if word in row} for name, held in rows.items()}
    return {name: words for name, words in hits.items() if words}


def test_a_user_is_found_nowhere_any_more_and_another_loses_nothing(
    lives: tuple[TestDatabase, Life, Life],
) -> None:
    database, first, second = lives
    assert len(found(database, first)) > 30
    before = found(database, second)
    rows = {
        name: sorted(row for row in held if mine(row, second, first)) for name, held in everything(database).items()
    }
    with database.worker() as worker:
        erased = erasing.erase(worker, first.user_id, rows_at_once=3)
    assert found(database, first) == {}
    assert found(database, second) == before
    after = everything(database)
    lost = {name: [row for row in held if row not in after[name]] for name, held in rows.items()}
    assert {name for name, held in lost.items() if held} == set()
    assert erased.counts["public.users"] == 1
    assert erased.counts["public.mcp_logs"] == 2


def mine(row: str, life: Life, other: Life) -> bool:
    """Tell whether a row is of one user and not of both."""
    return any(word in row for word in life.traces()) and not any(word in row for word in other.traces())


def test_records_stay_without_the_user_and_say_that_there_was_an_erasure(
    lives: tuple[TestDatabase, Life, Life],
) -> None:
    database, first, _ = lives
    before = {table: count(database, table) for table in STAYS}
    with database.worker() as worker:
        erased = erasing.erase(worker, first.user_id)
    after = {table: count(database, table) for table in STAYS}
    # The audit trail has one row more, and the message that waited is a letter now.
    assert after == {**before, "audit_log": before["audit_log"] + 1, "dead_letters": before["dead_letters"] + 1}
    ((kept, who),) = database.ask(
        "SELECT old_data, user_id FROM audit_log WHERE record_id = %s", f"erasure {erased.erasure_id}"
    )
    assert (kept, who) == ({"erased": dict(erased.counts)}, None)
    assert database.ask("SELECT user_id, names, mentions, finished_at IS NOT NULL FROM maintenance.erasures") == [
        (None, [], [], True)
    ]
    reasons = {str(reason) for (reason,) in database.ask("SELECT reason FROM dead_letters")}
    assert "user-erased" in reasons


def count(database: TestDatabase, table: str) -> int:
    return int(str(database.value(f"SELECT count(*) FROM {table}")))  # noqa: S608  names of the test


def test_what_others_share_with_the_user_stays_in_a_message(lives: tuple[TestDatabase, Life, Life]) -> None:
    database, first, second = lives
    with database.worker() as worker:
        erasing.erase(worker, first.user_id)
    lines = (
        "envelope::jsonb #>> '{args,0,lines,0,instance_id}', jsonb_array_length(envelope::jsonb #> '{args,0,lines}')"
    )
    assert database.ask(f"SELECT {lines} FROM redeliveries WHERE state = 'retry'") == [  # noqa: S608  names of the test
        (str(second.world.instance_id), 1)
    ]
    assert database.ask("SELECT redacted, payload LIKE '%%lines%%' FROM dead_letters WHERE error = 'both'") == [
        (False, True)
    ]


def test_a_dry_run_counts_and_changes_nothing(lives: tuple[TestDatabase, Life, Life]) -> None:
    database, first, _ = lives
    before = everything(database)
    with database.worker() as worker:
        told = erasing.erase(worker, first.user_id, is_rehearsal=True)
    assert everything(database) == before
    with database.worker() as worker:
        done = erasing.erase(worker, first.user_id)
    # A port is given back at once, and a record that names the user twice is counted with each.
    uncounted = {"public.port_allocations", "public.audit_log"}
    assert {table: rows for table, rows in told.counts.items() if table not in uncounted} == {
        table: rows for table, rows in done.counts.items() if table not in uncounted
    }


def test_an_erasure_that_was_interrupted_goes_on_where_it_was(lives: tuple[TestDatabase, Life, Life]) -> None:
    database, first, _ = lives
    with database.worker() as worker:
        with worker.transaction() as uow:
            erasure_id = uow.erasures.begin(uuid4(), first.user_id)
        with worker.transaction() as uow:
            assert not erasing.go_on(uow, erasure_id, rows_at_once=1)
        again = erasing.erase(worker, first.user_id)
    assert again.erasure_id == erasure_id
    assert found(database, first) == {}
    assert count(database, "maintenance.erasures") == 1


def test_erasing_again_takes_what_came_since_and_erasing_nobody_nothing(
    lives: tuple[TestDatabase, Life, Life],
) -> None:
    database, first, _ = lives
    with database.worker() as worker:
        erasing.erase(worker, first.user_id)
        database.ask(
            "INSERT INTO dead_letters (message_id, queue, wire_name, reason, error, payload, host)"
            " VALUES ('m', 'q', 'w', 'unknown-user', 'e', %s, 'h')",
            f'{{"user_id": "{first.user_id}"}}',
        )
        assert dict(erasing.erase(worker, first.user_id).counts) == {"public.dead_letters": 1}
        assert dict(erasing.erase(worker, uuid4()).counts) == {}
    assert found(database, first) == {}


def test_nothing_begins_and_nothing_runs_once_an_erasure_has_begun(
    lives: tuple[TestDatabase, Life, Life],
) -> None:
    database, first, _ = lives
    database.ask("UPDATE mcp_instances SET status = 'running' WHERE user_id = %s", first.user_id)
    with database.worker() as worker, worker.transaction() as uow:
        uow.erasures.begin(uuid4(), first.user_id)
    assert database.ask("SELECT is_active, deleted_at IS NULL FROM users WHERE id = %s", first.user_id) == [
        (False, False)
    ]
    state = "SELECT status, deleted_at IS NULL FROM mcp_instances WHERE user_id = %s"
    assert database.ask(state, first.user_id) == [("disconnected", False)]
    assert database.ask("SELECT is_available, mcp_instance_id FROM port_allocations WHERE host_id = 'world-1'") == [
        (True, None)
    ]


def test_every_column_that_may_hold_a_user_is_erased_or_has_its_reason(shared: TestDatabase) -> None:
    """A new table with a user in it needs a foreign key that cascades, or a line in `maintenance.user_references`."""
    erased = {
        (str(table), str(column))
        for table, column in shared.ask(
            "SELECT format('%I.%I', schema_name, table_name), column_name FROM maintenance.user_traces"
        )
    }
    suspicious = shared.ask(
        """
        SELECT format('%I.%I', n.nspname, c.relname), a.attname
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'gateway', 'maintenance') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND a.attnum > 0 AND NOT a.attisdropped
           AND (a.attname ~ '(^|_)(user|owner|creator|person|member|email)s?(_id)?$' OR a.attname ~ '_by$'
                OR a.attname ~ 'instance_id$' OR a.attname IN ('ip_address', 'user_agent', 'payload', 'envelope')
                OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'f'
                              AND k.confrelid = 'users'::regclass AND a.attnum = ANY (k.conkey)))
        """
    )
    assert len(suspicious) > 40
    tables = {table for table, _ in erased if (table, "user_id") in erased or (table, "mcp_instance_id") in erased}
    open_questions = {
        f"{table}.{column}"
        for table, column in suspicious
        if (table, column) not in erased
        and f"{table}.{column}" not in ELSEWHERE
        # A row that goes, or is blanked, by another column takes this one along; which ones is tried below.
        and table not in tables
    }
    assert open_questions == set()


ELSEWHERE: Final = {
    "public.users.email": "goes with the user",
    "public.dead_letters.payload": "erase_messages",
    "public.redeliveries.envelope": "erase_messages",
    "maintenance.erasures.user_id": "NULL once the erasure is finished",
    "public.service_usage_quarantine.payload": "goes by instance_id",
}


def test_every_table_that_a_user_may_read_as_its_own_is_erased(shared: TestDatabase) -> None:
    """Row level security knows whose a row is; so does erasing."""
    bound = shared.ask(
        "SELECT DISTINCT format('%I.%I', n.nspname, c.relname) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE pg_get_expr(p.polqual, p.polrelid) LIKE '%%current_app_user%%'"
    )
    erased = {
        table
        for (table,) in shared.ask(
            "SELECT format('%I.%I', schema_name, table_name) FROM maintenance.user_traces WHERE action = 'delete'"
        )
    }
    # An organization is its tenant's: a member may see it.
    assert {table for (table,) in bound} - erased == {"public.organizations"}


def test_every_key_that_forgets_a_user_is_declared_and_every_declared_column_is_there(shared: TestDatabase) -> None:
    forgetful = shared.ask(
        "SELECT format('%I.%I.%I', schema_name, table_name, column_name) FROM maintenance.user_traces"
        " WHERE is_key AND action = 'blank'"
        " EXCEPT SELECT format('%I.%I.%I', schema_name, table_name, column_name) FROM maintenance.user_references"
    )
    assert forgetful == []
    missing = shared.ask(
        "SELECT format('%I.%I.%I', d.schema_name, d.table_name, name) FROM maintenance.user_references d"
        " CROSS JOIN LATERAL unnest(d.blanks || d.column_name) AS name"
        " WHERE NOT EXISTS (SELECT FROM information_schema.columns c WHERE c.table_schema = d.schema_name"
        "   AND c.table_name = d.table_name AND c.column_name = name)"
    )
    assert missing == []


def test_a_new_table_with_a_user_is_erased_without_being_told(test_database: TestDatabase, database: Database) -> None:
    user_id = uuid4()
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'a@example.org', 'Ada')", user_id)
    test_database.ask(
        "CREATE TABLE public.notes (id bigint PRIMARY KEY, who uuid REFERENCES users (id) ON DELETE CASCADE);"
        "CREATE TABLE public.pages (note_id bigint REFERENCES notes (id) ON DELETE CASCADE)"
    )
    test_database.ask("ALTER TABLE notes OWNER TO mcp_owner; ALTER TABLE pages OWNER TO mcp_owner")
    test_database.ask("INSERT INTO notes SELECT n, %s FROM generate_series(1, 10) n", user_id)
    test_database.ask("INSERT INTO pages SELECT n FROM generate_series(1, 10) n")
    counts = erasing.erase(database, user_id, rows_at_once=4).counts
    assert (counts["public.notes"], counts["public.pages"]) == (10, 10)


def test_a_partition_of_a_user_is_erased_in_many_small_transactions(
    test_database: TestDatabase, database: Database
) -> None:
    world = World(1)
    with psycopg.connect(test_database.admin_url) as connection:
        world.insert(connection)
        connection.execute(
            sql.SQL("INSERT INTO {} (mcp_instance_id, message) SELECT %s, 'x' FROM generate_series(1, 2000)").format(
                identifier("mcp_logs")
            ),
            [world.instance_id],
        )
    steps: list[str] = []
    counts = erasing.erase(database, world.user_id, report=steps.append, rows_at_once=100).counts
    assert counts["public.mcp_logs"] == 2001
    assert len(steps) >= 20
