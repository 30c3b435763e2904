"""Audit rows that are written, sealed, erased and verified at once stay in one chain, and nobody blocks anybody."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Final
from uuid import UUID

from db import erasing
from db.engine import Database
from db.errors import DatabaseError
from db.verifying import verify
from producers import ActionAudited, AuditedAction, AuditedCall, CallAudited, Message
from tests.databases import TestDatabase
from workers.applier import Applier

from .deliveries import delivered

NOW: Final = datetime.now(UTC)
USERS: Final = [UUID(int=number) for number in range(1, 5)]
BATCHES: Final = 16


def _batch(number: int) -> list[Message]:
    """Give actions and calls of a few tenants, some of them of a month ago."""
    at = NOW - timedelta(days=number % 3 * 14)
    user = USERS[number % len(USERS)]
    tenant = f"tenant-{number % 2}"
    actions = [
        AuditedAction(acted_at=at, action="grant", resource_type="server", tenant_id=tenant, user_id=user)
        for _ in range(20)
    ]
    calls = [
        AuditedCall(called_at=at, user_id=str(user), method="tools/call", success=True, duration_ms=5, tenant_id=tenant)
        for _ in range(20)
    ]
    return [ActionAudited(actions=actions), CallAudited(calls=calls)]


def test_several_workers_that_write_seal_and_erase_at_once_leave_one_chain(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    for user in USERS:
        test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, %s, 'Ada')", user, f"{user}@example.org")
    is_over = Event()

    def seal() -> list[str]:
        refused: list[str] = []
        while not is_over.is_set():
            try:
                with database.transaction() as uow:
                    uow.seals.seal(50)
            except DatabaseError as error:
                refused.append(error.sentence)
        return refused

    def check() -> list[dict[str, object]]:
        found = [verify(database)]
        while not is_over.is_set():
            found.append(verify(database))
        return [each.facts() for each in found if not each.is_intact]

    messages = [message for number in range(BATCHES) for message in _batch(number)]
    with ThreadPoolExecutor(8) as threads:
        sealing, checking = [threads.submit(seal) for _ in range(2)], threads.submit(check)
        erased = [threads.submit(erasing.erase, database, user) for user in USERS[:2]]
        try:
            list(threads.map(lambda message: applier(delivered(message)), [*messages, *messages]))
            assert all(each.result() is not None for each in erased)
        finally:
            is_over.set()
        assert [each.result() for each in sealing] == [[], []]
        assert checking.result() == []
    while verify(database).waiting:
        with database.transaction() as uow:
            uow.seals.seal(10_000)
    verified = verify(database)
    assert (verified.is_intact, verified.waiting) == (True, 0)
    for table in ("audit_logs", "fastmcp_audit_log"):
        assert (
            test_database.value(
                "SELECT sum(entries - erased)::integer FROM maintenance.audit_blocks WHERE table_name = %s",
                f"gateway.{table}",
            )
            == BATCHES * 20
        )
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0
