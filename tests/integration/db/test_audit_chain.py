"""Whoever tampers with the audit tables is found out, by whichever way."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import psycopg
import pytest

from db import erasing
from db.__main__ import main
from db.engine import Database
from db.repositories.seals import Seals
from db.verifying import Verified, verify
from producers.message_id import new
from tests.databases import TestDatabase

NOW: Final = datetime.now(UTC).replace(microsecond=0)
TAMPERING: Final = {
    "changed": "UPDATE gateway.audit_logs SET success = false WHERE resource_id = '3'",
    "changed inside": "UPDATE gateway.audit_logs SET details = '{\"n\": 30}' WHERE resource_id = '3'",
    "taken from another tenant": "UPDATE gateway.audit_logs SET tenant_id = 'umbrella' WHERE resource_id = '3'",
    "removed": "DELETE FROM gateway.audit_logs WHERE resource_id = '3'",
    "moved": "UPDATE gateway.audit_logs SET timestamp = timestamp - interval '5 seconds' WHERE resource_id = '3'",
    "inserted": "INSERT INTO gateway.audit_logs (tenant_id, action, resource_type, timestamp)"
    " SELECT tenant_id, action, resource_type, timestamp FROM gateway.audit_logs WHERE resource_id = '3'",
}
PROBLEMS: Final = {"changed inside": ["changed"], "taken from another tenant": ["changed"]}


@pytest.fixture(autouse=True)
def _nothing_else(test_database: TestDatabase) -> None:
    """Take out what the migrations themselves left in the trail."""
    test_database.ask("TRUNCATE audit_log, maintenance.audit_entries")


def _write(database: Database, count: int = 5, *, tenant_id: str | None = "acme", at: datetime = NOW) -> list[UUID]:
    rows = [
        {
            "id": str(new()),
            "tenant_id": tenant_id,
            "action": "grant",
            "resource_type": "server",
            "resource_id": str(number),
            "timestamp": (at + timedelta(seconds=number)).isoformat(),
            "details": {"n": number, "x": 0.1},
            "success": True,
        }
        for number in range(count)
    ]
    with database.transaction() as uow:
        uow.audit.record(rows)
    return [UUID(str(row["id"])) for row in rows]


def _seal(database: Database, most: int = 10_000) -> int:
    with database.transaction() as uow:
        return uow.seals.seal(most)


def _tamper(test_database: TestDatabase, statement: str) -> None:
    """Change the database as a superuser who switches all triggers off."""
    with psycopg.connect(test_database.admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())


def _problems(verified: Verified) -> list[str]:
    return [row.problem for row in verified.broken_rows]


def test_what_was_written_and_sealed_is_intact(database: Database) -> None:
    _write(database, 7)
    _write(database, 3, tenant_id=None)
    assert (verify(database).waiting, verify(database).is_intact) == (10, True)
    assert _seal(database) == 10
    _write(database, 2)
    assert _seal(database) == 2
    verified = verify(database)
    assert (verified.rows, verified.blocks, verified.waiting, verified.is_intact) == (12, 3, 0, True)
    assert {key: head.number for key, head in verified.heads.items()} == {
        ("gateway.audit_logs", "acme"): 2,
        ("gateway.audit_logs", ""): 1,
    }


@pytest.mark.parametrize("kind", TAMPERING)
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "waiting"])
def test_a_row_that_was_tampered_with_is_named(
    database: Database, test_database: TestDatabase, kind: str, *, sealed: bool
) -> None:
    ids = _write(database)
    if sealed:
        _seal(database)
    _tamper(test_database, TAMPERING[kind])
    verified = verify(database)
    assert not verified.is_intact
    assert _problems(verified) == PROBLEMS.get(kind, [kind])
    (row,) = verified.broken_rows
    assert (row.row_id == ids[3]) is (kind != "inserted")
    assert row.number == (1 if sealed and kind != "inserted" else None)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE maintenance.audit_blocks SET row_hashes[2] = row_hashes[3] WHERE number = 2", "block-changed"),
        ("UPDATE maintenance.audit_blocks SET rows_hash = sha256('x') WHERE number = 2", "block-changed"),
        ("UPDATE maintenance.audit_blocks SET created_at = now() - interval '1 day' WHERE number = 2", "block-changed"),
        ("UPDATE maintenance.audit_blocks SET hash = sha256('x') WHERE number = 2", "block-unlinked"),
        ("DELETE FROM maintenance.audit_blocks WHERE number = 1", "block-before-removed"),
        ("UPDATE maintenance.audit_blocks SET previous_hash = '' WHERE number = 2", "block-unlinked"),
        (
            (
                "UPDATE maintenance.audit_blocks SET kinds = NULL, row_ids = NULL, row_times = NULL, row_hashes = NULL"
                " WHERE number = 2"
            ),
            "lists-removed",
        ),
        (
            "UPDATE maintenance.audit_blocks SET kinds = '{}', row_ids = '{}', row_times = '{}', row_hashes = '{}'",
            "lists-removed",
        ),
        (
            (
                "UPDATE maintenance.audit_blocks SET row_ids = row_ids || gen_random_uuid(),"
                " row_times = row_times || row_times[1], row_hashes = row_hashes || row_hashes[1] WHERE number = 2"
            ),
            "block-changed",
        ),
    ],
)
def test_a_chain_that_was_tampered_with_is_named(
    database: Database, test_database: TestDatabase, statement: str, problem: str
) -> None:
    for _ in range(3):
        _write(database)
        _seal(database)
    _tamper(test_database, statement)
    verified = verify(database)
    assert problem in [block.problem for block in verified.broken_blocks]


def test_a_forged_chain_does_not_have_the_block_that_was_told_before(
    database: Database, test_database: TestDatabase
) -> None:
    """Who removes rows together with their blocks has to write nothing anew."""
    _write(database)
    _seal(database)
    _write(database)
    _seal(database)
    (head,) = verify(database).heads.values()
    assert verify(database, known=[head.hash]).is_intact
    _tamper(
        test_database,
        "DELETE FROM gateway.audit_logs a USING maintenance.audit_blocks b"
        " WHERE b.number = 2 AND a.id = ANY (b.row_ids); DELETE FROM maintenance.audit_blocks WHERE number = 2",
    )
    assert verify(database).is_intact
    assert verify(database, known=[head.hash]).forgotten == [head.hash]


def test_a_tenant_is_verified_alone(database: Database, test_database: TestDatabase) -> None:
    _write(database)
    _write(database, tenant_id="umbrella")
    _seal(database)
    _tamper(test_database, "DELETE FROM gateway.audit_logs WHERE tenant_id = 'umbrella' AND resource_id = '1'")
    acme, umbrella = (verify(database, tenant_id=each) for each in ("acme", "umbrella"))
    assert (acme.is_intact, acme.rows, acme.blocks) == (True, 5, 1)
    assert _problems(umbrella) == ["removed"]


def test_rows_that_are_entered_at_once_are_each_sealed_once(database: Database) -> None:
    with ThreadPoolExecutor(6) as threads:
        sealing = [threads.submit(_seal, database, 7) for _ in range(12)]
        writing = [threads.submit(_write, database, 5, tenant_id=f"tenant-{n % 3}") for n in range(30)]
        assert all(each.result() for each in writing)
        sealed = sum(each.result() for each in sealing)
    sealed += _seal(database)
    verified = verify(database)
    assert (sealed, verified.rows, verified.waiting, verified.is_intact) == (150, 150, 0, True)


def test_a_row_that_is_committed_late_is_sealed_in_a_later_block(
    database: Database, test_database: TestDatabase
) -> None:
    with psycopg.connect(test_database.worker_url) as slow:
        slow.execute("INSERT INTO gateway.audit_logs (tenant_id, action, resource_type) VALUES ('acme', 'a', 'r')")
        _write(database)
        assert _seal(database) == 5
        assert verify(database).is_intact
    assert _seal(database) == 1
    verified = verify(database)
    assert (verified.rows, verified.blocks, verified.is_intact) == (6, 2, True)


def test_what_an_erasure_takes_out_is_told_and_not_taken_for_tampering(
    database: Database, test_database: TestDatabase
) -> None:
    user_id = uuid4()
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", user_id)
    test_database.ask(
        "INSERT INTO gateway.audit_logs (user_id, action, resource_type, details)"
        " VALUES (%s, 'grant', 'server', '{\"to\": \"ada@example.org\"}')",
        user_id,
    )
    test_database.ask(
        "INSERT INTO gateway.fastmcp_audit_log (user_id, method, params, success, duration_ms)"
        " VALUES ('ada@example.org', 'tools/call', '{\"a\": 1}', true, 5)"
    )
    _seal(database)
    erasing.erase(database, user_id)
    assert test_database.ask("SELECT user_id, details::text FROM gateway.audit_logs") == [(None, '{"erased": true}')]
    assert verify(database).is_intact
    _seal(database)
    verified = verify(database)
    assert verified.is_intact
    assert verified.erased >= 2
    _tamper(test_database, "UPDATE gateway.audit_logs SET action = 'revoke'")
    assert _problems(verify(database)) == ["changed"]


def test_the_trail_of_changes_is_chained_and_forgets_users_who_are_deleted(
    database: Database, test_database: TestDatabase
) -> None:
    user_id = uuid4()
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", user_id)
    test_database.ask(
        "INSERT INTO audit_log (table_name, record_id, action, new_data, user_id)"
        " VALUES ('tenants', 't', 'INSERT', '{\"name\": \"Acme\"}', %s)",
        user_id,
    )
    _seal(database)
    test_database.ask("DELETE FROM users WHERE id = %s", user_id)
    _seal(database)
    assert verify(database).is_intact
    _tamper(test_database, "UPDATE audit_log SET new_data = '{}' WHERE table_name = 'tenants'")
    assert _problems(verify(database)) == ["changed"]


def test_settings_of_a_session_change_no_hash(database: Database, test_database: TestDatabase) -> None:
    _write(database)
    _seal(database)
    settings = "-c timezone=Asia/Kolkata -c datestyle=German -c extra_float_digits=0 -c bytea_output=escape"
    with psycopg.connect(test_database.admin_url, options=settings) as connection:
        compared, _, broken = Seals(connection).rows(
            "gateway.audit_logs", NOW - timedelta(days=1), NOW + timedelta(days=1), tenant_id=None, limit=10
        )
    assert (compared, list(broken)) == (5, [])


def test_a_worker_may_neither_seal_by_hand_nor_change_what_is_sealed(test_database: TestDatabase) -> None:
    with psycopg.connect(test_database.worker_url, autocommit=True) as worker:
        for statement in (
            "UPDATE maintenance.audit_blocks SET number = 1",
            "DELETE FROM maintenance.audit_blocks",
            "DELETE FROM maintenance.audit_entries",
            "INSERT INTO maintenance.audit_entries (kind) VALUES ('entered')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                worker.execute(statement.encode())


def test_the_command_tells_what_is_broken_and_exits_with_1(
    database: Database, test_database: TestDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {"DATABASE_URL": test_database.worker_url}
    (first, *_) = _write(database)
    _seal(database)
    assert main(["audit", "verify"], environment) == 0
    told = capsys.readouterr().out
    assert told.startswith("5 rows compared with 1 blocks; 0 were erased with their users, 0 wait to be sealed.")
    _tamper(test_database, "DELETE FROM gateway.audit_logs WHERE resource_id = '0'")
    assert main(["audit", "verify", "--tenant", "acme"], environment) == 1
    assert f"row {first} of gateway.audit_logs, tenant acme, " in capsys.readouterr().out
    assert main(["audit", "verify", "--json"], environment) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["intact"], [row["problem"] for row in facts["broken_rows"]]) == (False, ["removed"])
    assert main(["audit", "verify", "--known", "x"], environment) == 1
    assert "is no hash of a block" in capsys.readouterr().err


@pytest.mark.parametrize("tenant", ["acne", ""])
def test_a_tenant_of_whom_there_is_nothing_is_not_said_to_be_verified(
    database: Database, test_database: TestDatabase, capsys: pytest.CaptureFixture[str], tenant: str
) -> None:
    environment = {"DATABASE_URL": test_database.worker_url}
    _write(database)
    assert main(["audit", "verify", "--tenant", "acme"], environment) == 0
    capsys.readouterr()
    assert main(["audit", "verify", "--tenant", tenant, "--json"], environment) == 2
    out, told = capsys.readouterr()
    assert json.loads(out)["intact"] is None
    assert f"no row was ever sealed or written for tenant '{tenant}'" in told
    _tamper(test_database, "ALTER TABLE gateway.audit_logs DISABLE TRIGGER audit_logs_entered")
    assert main(["audit", "verify", "--tenant", tenant], environment) == 1
