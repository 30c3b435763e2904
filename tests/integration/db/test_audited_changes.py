"""Sensitive changes enter the audit trail by themselves: who, what was, what became, and never a secret."""

from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.page import Window
from db.repositories.audit import OWNER, Change
from tests.databases import TestDatabase

from .dedicated import Dedicated
from .given import NOW, Given
from .living_worlds import Worlds

WINDOW = Window(NOW - timedelta(hours=1), NOW + timedelta(hours=1))
HIDDEN = "[redacted]"
KEPT = (
    "api_keys",
    "encryption_keys",
    "gateway.api_keys",
    "gateway.enhanced_api_keys",
    "gateway.server_access_control",
    "gateway.system_configs",
    "maintenance.data_retention_policies",
    "maintenance.legal_holds",
    "maintenance.row_policies",
    "mcp_types",
    "service_registry",
    "system_settings",
    "tenants",
    "user_service_instances",
    "users_organizations",
)
UPDATED = (*KEPT, "mcp_instances", "users")
SECRET_COLUMNS = """
SELECT DISTINCT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'gateway', 'maintenance')
   AND a.attname ~ 'encrypted|password|secret|salt|key_hash|token_hash|check_value'
"""
NOT_AUDITED = {
    "api_key_validation_cache": "a cache, with a row for every validation",
    "secret_checks": "a row for each secret of the settings, written once",
    "api_keys_archive": "moved there by an operator's command, whose run is kept",
    "mcp_instances_archive": "moved there by an operator's command, whose run is kept",
    "gateway.sessions": "come and go all the time",
}


class _UndoneError(Exception):
    """Ends a transaction in a database that other tests read."""


def _changes(db: Database, table: str, record_id: object) -> list[Change]:
    with db.transaction() as uow:
        return uow.audit.of_record(table, str(record_id), WINDOW)[::-1]


def _done(db: Database, statement: str, *values: object, actor: UUID | None = None) -> None:
    with db.transaction() as uow:
        uow.audit.act(actor, "192.0.2.7" if actor else None)
        uow._driver.execute(statement.encode(), values)


def test_every_sensitive_table_has_its_triggers(shared: TestDatabase) -> None:
    triggers = shared.ask(
        "SELECT replace(tgrelid::regclass::text, 'public.', ''), right(tgname, 7) FROM pg_trigger"
        " WHERE tgfoid = 'note_change'::regproc AND tgenabled = 'O'"
    )
    assert {table for table, name in triggers if name == "changed"} == set(UPDATED)
    assert {table for table, name in triggers if str(name).endswith("kept")} == set(KEPT)


def test_every_table_that_keeps_a_secret_is_audited_or_not_for_a_reason(shared: TestDatabase) -> None:
    tables = {table for (table,) in shared.ask(SECRET_COLUMNS)}
    assert tables - set(UPDATED) == set(NOT_AUDITED)


def test_what_was_added_is_in_the_trail_without_its_secrets(worlds: Worlds) -> None:
    with worlds.database.transaction() as uow:
        changes = uow.audit.latest(WINDOW, limit=1_000)
    added = [change for change in changes if change.action == "INSERT" and change.new_data]
    seeded = {table for table in KEPT if table.startswith("maintenance.")} | {"system_settings"}
    assert {change.table_name for change in added} - {"users"} == set(KEPT) - seeded
    hidden = {column for change in added for column, value in (change.new_data or {}).items() if value == HIDDEN}
    assert hidden >= {"encrypted_key", "encrypted_dek", "encryption_iv", "key_hash", "salt", "check_value"}


def test_a_key_leaves_who_stored_switched_off_and_removed_it(db: Database, shared: TestDatabase, given: Given) -> None:
    user_id = given.a_user()
    key_id = Dedicated(shared).a_key(user_id, plaintext="canary-5b1f")
    _done(db, "UPDATE api_keys SET is_active = false WHERE id = %s", key_id, actor=user_id)
    _done(db, "UPDATE api_keys SET encrypted_key = 'other' WHERE id = %s", key_id)
    _done(db, "DELETE FROM api_keys WHERE id = %s", key_id, actor=user_id)
    added, switched_off, replaced, removed = _changes(db, "api_keys", key_id)
    assert (added.action, added.user_id, added.ip_address) == ("INSERT", None, None)
    assert (switched_off.action, switched_off.user_id, switched_off.ip_address) == ("UPDATE", user_id, "192.0.2.7")
    assert (switched_off.old_data, switched_off.new_data) == ({"is_active": True}, {"is_active": False})
    assert replaced.old_data == replaced.new_data == {"encrypted_key": HIDDEN}
    assert (removed.action, removed.new_data) == ("DELETE", None)
    assert (removed.old_data or {})["encrypted_dek"] == HIDDEN


def test_wrapping_a_data_key_anew_is_no_change(db: Database, shared: TestDatabase, given: Given) -> None:
    key_id = Dedicated(shared).a_key(given.a_user())
    _done(db, "UPDATE api_keys SET encrypted_dek = 'anew' WHERE id = %s", key_id)
    assert [change.action for change in _changes(db, "api_keys", key_id)] == ["INSERT"]


def test_using_a_share_and_wrapping_its_key_anew_are_no_changes(worlds: Worlds) -> None:
    record, update = f"{worlds.first.user_id}/service-{worlds.first.number}", b"UPDATE user_service_instances SET"
    with suppress(_UndoneError), worlds.database.transaction() as uow:
        before = len(uow.audit.of_record("user_service_instances", record, WINDOW))
        uow._driver.execute(update + b" usage_count = usage_count + 1, last_used_at = now()")
        uow._driver.execute(update + b" encrypted_api_key = 'v1.other.' || encrypted_api_key")
        assert len(uow.audit.of_record("user_service_instances", record, WINDOW)) == before
        uow._driver.execute(update + b" is_active = false")
        assert len(uow.audit.of_record("user_service_instances", record, WINDOW)) == before + 1
        raise _UndoneError


def test_a_role_is_told_and_a_name_is_not(db: Database, given: Given) -> None:
    user_id = given.a_user()
    _done(db, "UPDATE users SET name = 'Grace' WHERE id = %s", user_id)
    _done(db, "UPDATE users SET role = 'admin', name = 'Hedy' WHERE id = %s", user_id)
    (change,) = _changes(db, "users", user_id)
    assert change.old_data == {"role": "viewer", "name": HIDDEN}
    assert change.new_data == {"role": "admin", "name": HIDDEN}


def test_the_value_of_a_sensitive_setting_is_not_told(db: Database) -> None:
    key, record = f"smtp-{uuid4()}", f"config-{uuid4()}"
    add = "INSERT INTO gateway.system_configs (id, key, value, category, is_sensitive)"
    _done(db, f"{add} VALUES (%s, %s, '\"x\"', 'a', true)", record, key)
    _done(db, "UPDATE gateway.system_configs SET value = '\"y\"', is_sensitive = false WHERE id = %s", record)
    added, changed = _changes(db, "gateway.system_configs", record)
    assert (added.new_data or {})["value"] == HIDDEN
    assert (changed.old_data or {})["value"] == (changed.new_data or {})["value"] == HIDDEN


def test_only_the_deletion_of_an_instance_is_told(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        uow.instances.delete(instance_id, reason=None, at=NOW)
    (change,) = _changes(db, "mcp_instances", instance_id)
    assert (change.old_data or {})["status"] == "running"
    assert "deleted_at" in (change.new_data or {})


def test_a_setting_that_is_set_to_what_it_was_is_no_change(db: Database) -> None:
    _done(db, "UPDATE system_settings SET value = value, updated_at = now() WHERE key = 'port.range_end'")
    assert _changes(db, "system_settings", "port.range_end") == []


def test_an_actor_that_was_erased_does_not_stop_a_change(db: Database, given: Given) -> None:
    user_id = given.a_user()
    _done(db, "UPDATE users SET role = 'guest' WHERE id = %s", user_id, actor=uuid4())
    (change,) = _changes(db, "users", user_id)
    assert (change.user_id, change.ip_address) == (None, "192.0.2.7")


@pytest.mark.parametrize("setting", ["app.actor_id", "app.actor_address"])
def test_nobody_is_acting_in_the_next_transaction(db: Database, given: Given, setting: str) -> None:
    _done(db, "SELECT 1", actor=given.a_user())
    with db.transaction() as uow:
        ((value,),) = uow._driver.execute("SELECT current_setting(%s, true)", [setting]).fetchall()
    assert not value


def test_who_owns_an_instance_may_be_who_deletes_it(db: Database, given: Given) -> None:
    instance_id = given.a_running_instance(db)
    with db.transaction() as uow:
        uow.audit.act(OWNER, "192.0.2.7")
        uow.instances.delete(instance_id, reason=None, at=NOW)
        ((owner,),) = uow._driver.execute("SELECT user_id FROM mcp_instances WHERE id = %s", [instance_id]).fetchall()
    (change,) = _changes(db, "mcp_instances", instance_id)
    assert (change.user_id, change.ip_address) == (owner, "192.0.2.7")
