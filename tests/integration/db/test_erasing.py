"""A user is forgotten in every table, partition and archive; others lose nothing."""

import json
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import psycopg
from psycopg import sql

from db import erasing
from db.engine import Database
from tests.databases import TestDatabase

from .lives import Life, everything, found, mine
from .worlds import World, identifier

# Records stay, and say nothing of the user.
STAYS: Final = {
    "audit_log",
    "dead_letters",
    "port_allocations",
    "gateway.audit_logs",
    "gateway.request_logs",
    "gateway.fastmcp_audit_log",
}


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


def test_the_trail_of_a_share_and_the_address_it_was_ended_from_go_too(lives: tuple[TestDatabase, Life, Life]) -> None:
    database, first, _ = lives
    with database.worker() as worker:
        with worker.transaction() as uow:
            uow.audit.act(None, "198.51.100.9")
            uow.shares.deprovision(first.share_id, reason="private", at=datetime.now(UTC))
            uow.instances.delete(first.world.instance_id, reason=None, at=datetime.now(UTC))
        erasing.erase(worker, first.user_id)
    left = "SELECT * FROM audit_log WHERE record_id LIKE %s OR ip_address = '198.51.100.9' OR new_data::text LIKE %s"
    assert database.ask(left, f"%{first.user_id}%", "%private%") == []


def test_a_user_who_is_called_like_a_type_takes_no_messages_along(lives: tuple[TestDatabase, Life, Life]) -> None:
    database, first, second = lives
    database.ask("UPDATE users SET username = 'figma' WHERE id = %s", first.user_id)
    waiting = {"user_id": str(second.user_id), "mcp_type": "figma"}
    _wait(database, "instances.create.v1", waiting)
    trail = "SELECT count(*) FROM audit_log WHERE table_name = 'mcp_types' AND new_data ? 'name'"
    before = database.value(trail)
    with database.worker() as worker:
        erasing.erase(worker, first.user_id)
    assert _waiting(database, "instances.create.v1") == [waiting]
    assert database.value(trail) == before


def test_what_the_user_asked_for_on_behalf_of_others_is_still_done(lives: tuple[TestDatabase, Life, Life]) -> None:
    database, first, second = lives
    told = {"instance_id": str(second.world.instance_id)}
    _wait(database, "instances.delete.v1", {**told, "requested_by": str(first.user_id), "ip_address": "198.51.100.9"})
    with database.worker() as worker:
        erasing.erase(worker, first.user_id)
    assert _waiting(database, "instances.delete.v1") == [told]


def test_what_others_share_with_the_user_stays_in_the_outbox(lives: tuple[TestDatabase, Life, Life]) -> None:
    database, first, second = lives
    theirs = {"instance_id": str(second.world.instance_id), "message": "x"}
    lines = [{"instance_id": str(first.world.instance_id), "message": "x"}, theirs]
    database.ask(
        "INSERT INTO outbox (message_id, queue, wire_name, payload, user_id) VALUES (%s, 'logs', 'mixed', %s, %s)",
        uuid4(),
        json.dumps({"lines": lines}),
        second.user_id,
    )
    with database.worker() as worker:
        erasing.erase(worker, first.user_id)
    assert database.ask("SELECT payload FROM outbox WHERE wire_name = 'mixed'") == [({"lines": [theirs]},)]


def _wait(database: TestDatabase, wire_name: str, payload: object) -> None:
    database.ask(
        "INSERT INTO redeliveries (message_id, queue, wire_name, envelope, state) VALUES (%s, 'q', %s, %s, 'parked')",
        uuid4(),
        wire_name,
        json.dumps({"args": [payload]}),
    )


def _waiting(database: TestDatabase, wire_name: str) -> list[object]:
    found = database.ask("SELECT envelope::jsonb #> '{args,0}' FROM redeliveries WHERE wire_name = %s", wire_name)
    return [payload for (payload,) in found]
