"""A constraint that refuses a row comes out as a typed error whose sentence names the remedy."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from db.engine import Database
from db.errors import DataRefused, ReferenceMissing, ValueRefused, ValueTaken
from db.remedies import constraints, remedy
from db.repositories.servers import NewServer
from db.unit_of_work import UnitOfWork
from tests.databases import TestDatabase

from .given import NOW, Given

Act = Callable[[UnitOfWork], object]

# Only migrations write there.
OWNERS = {
    "check_archive",
    "check_archive_sha256",
    "check_archived_rows",
    "check_contract_sender",
    "check_archiving",
    "check_run_bytes",
    "check_run_outcome",
    "check_tick_outcome",
    "check_tick_problem",
    "check_block_entries",
    "check_block_rows",
    "check_entry_kind",
    "check_rollup_counts",
    "check_rollup_unit",
    "check_erased",
    "check_keep_days",
    "check_partition_key",
    "check_partition_unit",
    "check_reference_action",
    "check_reference_kind",
    "check_refresh_interval",
    "check_refresh_schedule",
    "check_refresh_strategy",
    "check_released",
    "check_retention_days",
    "check_strategy",
    "check_units_ahead",
    "idx_detached_partitions_relation",
    "idx_erasures_open",
    "idx_mv_request_stats_hourly_key",
    "uq_materialized_views_name",
}


def _server(**wishes: object) -> Act:
    fields = {"id": f"s-{uuid4()}", "tenant_id": None, "name": f"s-{uuid4()}", "endpoint_url": "https://s.example/mcp"}
    new = NewServer(**{**fields, **wishes})  # type: ignore[arg-type]  # the wishes are a test's own
    return lambda uow: uow.servers.add(new)


def _ports(first: int, last: int) -> Act:
    def act(uow: UnitOfWork) -> None:
        change = "UPDATE system_settings SET value = %s WHERE key = %s"
        uow._driver.execute(change, [str(first), "port.range_start"])
        uow._driver.execute(change, [str(last), "port.range_end"])
        uow.ports.open("h")

    return act


REFUSED: list[tuple[str, Act, type[DataRefused], str]] = [
    ("an invalid URL", _server(endpoint_url="server.example"), ValueRefused, "begins with http"),
    ("a negative timeout", _server(timeout_ms=-1), ValueRefused, "above 0"),
    ("expiry before creation", _server(expires_at=NOW - timedelta(days=1)), ValueRefused, "later expiry"),
    ("a status outside the list", _server(status="retired"), ValueRefused, "active, inactive or maintenance"),
    ("a transport that nobody speaks", _server(transport_type="pigeon"), ValueRefused, "streamable_http"),
    ("a tenant that is not there", _server(tenant_id="nobody"), ReferenceMissing, "no such tenant"),
    ("a port below the range", _ports(3000, 3002), ValueRefused, "between 3001 and 65535"),
    ("a port above the range", _ports(65535, 65536), ValueRefused, "between 3001 and 65535"),
    ("a tenant without an id", lambda uow: uow.tenants.add("", name="x"), ValueRefused, "1 to 64 characters"),
    ("a tenant's status", lambda uow: uow.tenants.add("x", name="x", status="happy"), ValueRefused, "suspended"),
    (
        "a user of no tenant",
        lambda uow: uow.users.add(uuid4(), email="a@b.example", name="A", tenant_id="nobody"),
        ReferenceMissing,
        "enter the tenant first",
    ),
]


@pytest.mark.parametrize(("act", "kind", "advice"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_makes_no_sense_is_refused_with_the_remedy(
    db: Database, act: Act, kind: type[DataRefused], advice: str
) -> None:
    with pytest.raises(kind, match=advice) as refused, db.transaction() as uow:
        act(uow)
    assert refused.value.constraint
    assert refused.value.constraint in str(refused.value)


def test_a_second_user_of_an_address_is_refused_whatever_its_case(db: Database) -> None:
    email = f"{uuid4()}@example.org"
    with db.transaction() as uow:
        uow.users.add(uuid4(), email=email, name="Ada")
    with pytest.raises(ValueTaken, match="Another user has this e-mail address") as refused, db.transaction() as uow:
        uow.users.add(uuid4(), email=email.upper(), name="Eve")
    assert refused.value.constraint == "idx_users_email"
    assert email not in str(refused.value)


def test_a_refused_row_leaves_the_rest_of_the_transaction_when_a_savepoint_holds_it(db: Database) -> None:
    kept = uuid4()
    with db.transaction() as uow:
        uow.users.add(kept, email=f"{kept}@example.org", name="Ada")
        with pytest.raises(ValueTaken, match="There is a user of this id"), uow.savepoint():
            uow.users.add(kept, email="other@example.org", name="Eve")
    with db.transaction() as uow:
        assert uow.users.get(kept) is not None


def test_what_is_still_referred_to_is_not_deleted(shared: TestDatabase, db: Database, given: Given) -> None:
    tenant_id = f"tenant-{uuid4()}"
    shared.ask("INSERT INTO tenants (id, name) VALUES (%s, %s)", tenant_id, tenant_id)
    shared.ask("UPDATE users SET tenant_id = %s WHERE id = %s", tenant_id, given.a_user())
    with pytest.raises(ReferenceMissing, match="move its users away"), db.transaction() as uow:
        uow._driver.execute("DELETE FROM tenants WHERE id = %s", [tenant_id])


def test_every_constraint_that_input_can_meet_has_its_sentence(shared: TestDatabase) -> None:
    """Read from the catalog, so that a new constraint needs a sentence."""
    rows = shared.ask(
        """
        SELECT k.conname FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid AND NOT c.relispartition
         WHERE k.contype IN ('c', 'f') AND k.conparentid = 0
           AND k.connamespace::regnamespace::text IN ('public', 'gateway', 'maintenance')
        UNION
        SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND NOT c.relispartition
         WHERE i.indisunique AND NOT i.indisprimary
           AND c.relnamespace::regnamespace::text IN ('public', 'gateway', 'maintenance')
        """
    )
    names = {str(name) for (name,) in rows}
    assert {name for name in names if remedy(name) is None} == OWNERS


def test_no_sentence_is_about_a_constraint_that_is_gone(shared: TestDatabase) -> None:
    rows = shared.ask("SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class WHERE relkind = 'i'")
    assert constraints() <= {name for (name,) in rows}
