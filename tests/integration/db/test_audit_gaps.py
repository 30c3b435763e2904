"""What is gone from the audit tables is explained by retention, or it is told; what came back is known again."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg
import pytest

from archives.place import Place
from archives.store import Folder
from db.__main__ import main
from db.engine import Database
from db.erasing import erase
from db.repositories.seals import BrokenRow, Seals
from db.shelving import shelve_all
from db.verifying import Verified, verify
from producers.message_id import new
from tests.databases import TestDatabase

NOW: Final = datetime.now(UTC).replace(microsecond=0)
OLD: Final = (NOW - timedelta(days=31)).replace(day=2)
MONTH: Final = f"audit_logs_y{OLD:%Y}m{OLD:%m}"
LISTS: Final = "SELECT count(*) FROM maintenance.audit_blocks WHERE row_ids IS NOT NULL"
SWITCHES: Final = {
    "ALTER TABLE gateway.audit_logs DISABLE TRIGGER audit_logs_entered": (
        "trigger audit_logs_entered of gateway.audit_logs"
    ),
    "DROP TRIGGER audit_logs_erased ON gateway.audit_logs": "trigger audit_logs_erased of gateway.audit_logs",
    "CREATE OR REPLACE FUNCTION maintenance.audit_hash(r gateway.audit_logs) RETURNS bytea LANGUAGE sql STABLE"
    " SET search_path = pg_catalog, pg_temp AS 'SELECT sha256(r.id::text::bytea)'": (
        "function maintenance.audit_hash(gateway.audit_logs)"
    ),
}


@pytest.fixture(autouse=True)
def _two_months(database: Database, test_database: TestDatabase) -> None:
    """Have five sealed rows in an old month and five in the present one."""
    test_database.ask("TRUNCATE audit_log, maintenance.audit_entries")
    with database.transaction() as uow:
        uow.partitions.ensure_for("gateway.audit_logs", [OLD])
    for at in (OLD, NOW):
        _write(database, at)
        _seal(database)


def _write(database: Database, at: datetime) -> None:
    rows = [
        {
            "id": str(new()),
            "tenant_id": "acme",
            "user_id": str(UUID(int=number)),
            "action": "grant",
            "resource_type": "server",
            "timestamp": (at + timedelta(seconds=number)).isoformat(),
            "details": {"n": number},
            "success": True,
        }
        for number in range(5)
    ]
    with database.transaction() as uow:
        uow.audit.record(rows)


def _tamper(own: TestDatabase, statement: str) -> None:
    with psycopg.connect(own.admin_url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())


def _seal(database: Database) -> int:
    with database.transaction() as uow:
        return uow.seals.seal(10_000)


def _retire(database: Database, own: TestDatabase, strategy: str = "detach_drop") -> None:
    _keep(own, 1, strategy)
    with database.transaction() as uow:
        assert uow.partitions.retain() is not None


def _keep(own: TestDatabase, days: int, strategy: str) -> None:
    """Change the policy; the trail's word of it is not sealed with what a test counts."""
    own.ask(
        "UPDATE maintenance.data_retention_policies SET retention_days = %s, strategy = %s"
        " WHERE table_name = 'audit_logs'",
        days,
        strategy,
    )
    own.ask("TRUNCATE audit_log")
    own.ask("DELETE FROM maintenance.audit_entries WHERE table_name = 'public.audit_log'")


def _drop(database: Database, own: TestDatabase) -> None:
    own.ask("UPDATE maintenance.detached_partitions SET drop_after = now()")
    with database.transaction() as uow:
        assert uow.partitions.retain() is not None


def _attach(own: TestDatabase) -> None:
    begins = OLD.replace(day=1, hour=0, minute=0, second=0)
    own.ask(
        f"ALTER TABLE gateway.audit_logs ATTACH PARTITION archive.{MONTH}"
        f" FOR VALUES FROM ('{begins}') TO ('{(begins + timedelta(days=32)).replace(day=1)}')"
    )


def _gaps(verified: Verified) -> list[tuple[str, int]]:
    return [(gap.table_name, gap.rows) for gap in verified.missing]


def test_what_retention_took_does_not_break_the_chain(database: Database, test_database: TestDatabase) -> None:
    _retire(database, test_database)
    assert _seal(database) == 0
    # Who attaches it again by hand finds it sealed, so its lists stay until it is dropped.
    assert (verify(database).is_intact, verify(database).rows, test_database.value(LISTS)) == (True, 5, 2)
    _drop(database, test_database)
    _seal(database)
    verified = verify(database)
    assert (verified.is_intact, verified.blocks, verified.rows, test_database.value(LISTS)) == (True, 2, 5, 1)
    (span,) = verified.retired
    assert (span.table_name, span.range_from <= OLD < span.range_to) == ("gateway.audit_logs", True)


def test_what_retention_takes_while_rows_are_compared_was_removed_by_nobody(
    database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans, asked = Seals.spans, list[bool]()

    def then_taken(seals: Seals) -> list[tuple[str, datetime, datetime]]:
        found = spans(seals)
        asked.append(True)
        return found

    def compared(
        seals: Seals, table: str, since: datetime, until: datetime, *, tenant_id: str | None, limit: int
    ) -> tuple[int, int, Sequence[BrokenRow]]:
        if len(asked) == 1:
            asked.append(True)
            _retire(database, test_database)
        return compare(seals, table, since, until, tenant_id=tenant_id, limit=limit)

    compare = Seals.rows
    monkeypatch.setattr(Seals, "spans", then_taken)
    monkeypatch.setattr(Seals, "rows", compared)
    verified = verify(database)
    assert (verified.rows, verified.broken_rows, verified.is_intact) == (5, [], True)


def test_the_record_of_what_retention_took_stays_as_long_as_the_chain(
    database: Database, test_database: TestDatabase
) -> None:
    _retire(database, test_database)
    _drop(database, test_database)
    _seal(database)
    test_database.ask("UPDATE maintenance.detached_partitions SET dropped_at = now() - interval '9 years'")
    with database.transaction() as uow:
        assert uow.retention.prune(limit=100)[0]["maintenance.detached_partitions"] == 0
    assert verify(database).is_intact


@pytest.mark.parametrize("tenant", [None, "acme"])
@pytest.mark.parametrize(
    "statement",
    [
        f"DROP TABLE partitions.{MONTH}",
        f"ALTER TABLE gateway.audit_logs DETACH PARTITION partitions.{MONTH}",
    ],
)
def test_a_month_that_somebody_took_away_is_missing(
    database: Database, test_database: TestDatabase, statement: str, tenant: str | None
) -> None:
    test_database.ask(statement)
    _seal(database)
    assert test_database.value(LISTS) == 2
    verified = verify(database, tenant_id=tenant)
    assert (_gaps(verified), verified.broken_rows, verified.is_intact) == ([("gateway.audit_logs", 5)], [], False)
    assert verify(database, tenant_id="umbrella").is_intact


@pytest.mark.parametrize("is_attached", [False, True])
def test_a_month_that_somebody_dropped_is_missing_though_retention_had_detached_it(
    database: Database, test_database: TestDatabase, *, is_attached: bool
) -> None:
    _retire(database, test_database)
    if is_attached:
        _attach(test_database)
        _keep(test_database, 36_500, "detach_drop")
        test_database.ask("UPDATE maintenance.detached_partitions SET drop_after = now()")
        with database.transaction() as uow:
            uow.partitions.retain()
    assert verify(database).is_intact
    test_database.ask(f"DROP TABLE archive.{MONTH}")
    assert _gaps(verify(database)) == [("gateway.audit_logs", 5)]


def test_who_is_erased_from_a_detached_month_does_not_break_it_when_it_is_attached_again(
    database: Database, test_database: TestDatabase
) -> None:
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", UUID(int=3))
    _retire(database, test_database)
    # A table gets columns that what left it before does not have.
    test_database.ask("ALTER TABLE gateway.audit_logs ADD COLUMN reviewed boolean")
    erase(database, UUID(int=3))
    test_database.ask("ALTER TABLE gateway.audit_logs DROP COLUMN reviewed")
    _attach(test_database)
    for _ in range(2):
        verified = verify(database)
        assert (verified.broken_rows, verified.feigned, verified.is_intact) == ([], [], True)
        _seal(database)
    erased = "SELECT sum(erased)::integer FROM maintenance.audit_blocks WHERE table_name = 'gateway.audit_logs'"
    assert test_database.value(erased) == 2


def test_an_empty_month_in_the_place_of_one_that_retention_took_misses_none_of_its_rows(
    database: Database, test_database: TestDatabase
) -> None:
    _retire(database, test_database)
    _keep(test_database, 36_500, "detach_drop")
    with database.transaction() as uow:
        uow.partitions.ensure_for("gateway.audit_logs", [OLD])
    verified = verify(database)
    assert (verified.is_intact, verified.rows) == (True, 5)
    _write(database, OLD)
    _seal(database)
    assert (verify(database).is_intact, verify(database).rows) == (True, 10)
    _tamper(test_database, "DELETE FROM gateway.audit_logs WHERE timestamp < now() - interval '20 days'")
    assert [row.problem for row in verify(database).broken_rows] == ["removed"] * 5


def test_an_archive_that_is_attached_again_is_sealed_as_it_came_back(
    database: Database, test_database: TestDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shelf").mkdir()
    _retire(database, test_database, "detach_archive")
    assert shelve_all(database, Folder(Place("file", str(tmp_path / "shelf")))).shelved
    _drop(database, test_database)
    _seal(database)
    _keep(test_database, 36_500, "detach_archive")
    environment = {"DATABASE_ADMIN_URL": test_database.admin_url, "ARCHIVE_URL": (tmp_path / "shelf").as_uri()}
    assert main(["archives", "restore", MONTH, "--attach"], environment) == 0
    waiting = verify(database)
    assert (waiting.is_intact, waiting.rows, waiting.restored, waiting.waiting) == (True, 10, 5, 5)
    assert _seal(database) == 5
    verified = verify(database)
    assert (verified.is_intact, verified.rows, verified.restored, verified.retired) == (True, 10, 5, [])
    capsys.readouterr()
    assert main(["audit", "verify"], {"DATABASE_URL": test_database.worker_url}) == 0
    assert "5 came back from archives, and are as they were then." in capsys.readouterr().out
    # What came back is watched as what was entered.
    _seal(database)
    _tamper(test_database, "DELETE FROM gateway.audit_logs WHERE timestamp < now() - interval '20 days'")
    assert [row.problem for row in verify(database).broken_rows] == ["removed"] * 5
    test_database.ask(f"DROP TABLE partitions.{MONTH}")
    assert _gaps(verify(database)) == [("gateway.audit_logs", 5)]


@pytest.mark.parametrize("statement", SWITCHES)
def test_who_switches_the_seals_off_is_told(database: Database, test_database: TestDatabase, statement: str) -> None:
    assert verify(database).altered == []
    test_database.ask(statement)
    verified = verify(database)
    assert (verified.altered, verified.is_intact) == ([SWITCHES[statement]], False)


def test_a_change_that_is_passed_off_as_an_erasure_is_told(database: Database, test_database: TestDatabase) -> None:
    with psycopg.connect(test_database.admin_url) as connection:
        connection.execute("SET minimcp.erasing = on")
        connection.execute("UPDATE gateway.audit_logs SET user_id = NULL, details = '{\"erased\": true}'")
    for sealed in (0, 10):
        assert sealed == 0 or _seal(database) == sealed
        verified = verify(database)
        (feigned,) = verified.feigned
        assert (feigned.table_name, feigned.erased, feigned.explained) == ("gateway.audit_logs", 10, 0)
        assert not verified.is_intact


def test_the_command_says_what_is_gone_without_a_reason(
    database: Database, test_database: TestDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    _tamper(
        test_database,
        "UPDATE maintenance.audit_blocks SET kinds = NULL, row_ids = NULL, row_times = NULL, row_hashes = NULL;"
        " DELETE FROM gateway.audit_logs",
    )
    _write(database, OLD)
    test_database.ask(f"DROP TABLE partitions.{MONTH}")
    environment = {"DATABASE_URL": test_database.worker_url}
    assert main(["audit", "verify"], environment) == 1
    told = capsys.readouterr().out
    assert "block 1 of gateway.audit_logs, tenant acme: its lists were removed, and no retention took its rows" in told
    assert "is missing, with 5 sealed rows: no retention took it" in told
    assert main(["audit", "verify", "--json"], environment) == 1
    facts = json.loads(capsys.readouterr().out)
    assert [block["problem"] for block in facts["broken_blocks"]] == ["lists-removed"] * 2
    assert [gap["rows"] for gap in facts["months_missing"]] == [5]
