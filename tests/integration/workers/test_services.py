"""Shared services as messages tell of them: late, doubled, contradictory, about nobody."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from db.engine import Database
from db.repositories.shares import NewShare
from producers import DeprovisionService, Message, RegisterService, ServiceUsed, Use
from producers.envelope import seal
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import USER, changed, delivered, make_group_applier, reasons, repacked
from workers.actors import ACTORS
from workers.applier import EARLY_ATTEMPTS, Applier
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")

NOW: Final = datetime.now(UTC)


def at(seconds: float) -> datetime:
    return NOW - timedelta(minutes=1) + timedelta(seconds=seconds)


def registration(seconds: float = 0, **fields: object) -> RegisterService:
    given = {"service_type": "notion", "display_name": "Notion", "port": 45_000, "occurred_at": at(seconds)}
    return RegisterService.model_validate({**given, **fields})


def a_share(database: Database, service: str = "figma", user: UUID = USER) -> str:
    share_id = f"{service}_{uuid4().hex}"
    with database.transaction() as uow:
        uow.shares.provision(NewShare(share_id, user, service, asked_at=at(0)))
    return share_id


def used(*shares: str, **fields: object) -> ServiceUsed:
    uses = [{"share_id": share_id, "used_at": NOW, **fields} for share_id in shares]
    return ServiceUsed.model_validate({"uses": uses})


def service(database: TestDatabase, columns: str, name: str = "notion") -> list[tuple[object, ...]]:
    return database.ask(f"SELECT {columns} FROM service_registry WHERE service_type = %s", name)  # noqa: S608  the test's own words


def counts(database: TestDatabase, share_id: str) -> tuple[object, ...]:
    rows = "SELECT count(*) FROM service_usage_analytics WHERE instance_id = u.instance_id"
    (row,) = database.ask(
        f"SELECT usage_count, last_used_at, ({rows}) FROM user_service_instances u WHERE instance_id = %s",  # noqa: S608  the test's own words
        share_id,
    )
    return row


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 3), (1, 3, 2)])
def test_what_was_said_last_of_a_service_counts_in_whatever_order_it_comes(
    applier: Applier, test_database: TestDatabase, order: tuple[int, ...]
) -> None:
    """The second says the same as the third: nothing changes with it but the time of what is known."""
    said = {1: "Old", 2: "Notion", 3: "Notion"}
    for number in order:
        applier(delivered(registration(number, display_name=said[number], is_available=number > 1)))
    assert service(test_database, "display_name, is_available, registered_at") == [("Notion", True, at(3))]
    assert test_database.value("SELECT count(*) FROM service_health_status WHERE service_type = 'notion'") == 1
    assert reasons(test_database) == []


def test_a_service_that_claims_to_be_of_next_year_does_not_hide_the_others(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(registration(occurred_at=NOW + timedelta(days=365))))
    ((said_at,),) = service(test_database, "registered_at")
    assert isinstance(said_at, datetime)
    assert said_at < datetime.now(UTC) + timedelta(minutes=11)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"port": 49_160}, "port 49160 belongs to another service"),
        ({"service_type": "figma", "name": "fig/ma", "port": None}, "would be called figma, as figma is"),
    ],
)
def test_a_service_that_is_in_the_way_of_another_is_refused_with_a_sentence(
    applier: Applier, test_database: TestDatabase, fields: dict[str, Any], sentence: str
) -> None:
    before = test_database.ask("SELECT * FROM service_registry ORDER BY 1")
    applier(delivered(registration(**fields)))
    ((reason, error),) = test_database.ask("SELECT reason, error FROM dead_letters")
    assert reason == "service-refused"
    assert sentence in str(error)
    assert test_database.ask("SELECT * FROM service_registry ORDER BY 1") == before


def test_a_service_without_a_port_gets_one_and_keeps_it(applier: Applier, test_database: TestDatabase) -> None:
    for second in (1, 2):
        applier(delivered(registration(second, port=None, display_name=f"Notion {second}")))
    assert service(test_database, "port, display_name") == [(40_000, "Notion 2")]


@pytest.mark.parametrize(
    "field",
    [
        {"service_type": "No Tion"},
        {"port": 80},
        {"base_url": "https://user:pw@host/mcp"},
        {"base_url": "https://host/mcp?key=secret"},
        {"base_url": "ftp://host"},
        {"health_check_endpoint": "health"},
        {"auth_type": "handshake"},
        {"display_name": ""},
        {"display_name": "a\x00b"},
    ],
)
def test_a_service_that_does_not_fit_its_contract_is_a_dead_letter(
    applier: Applier, test_database: TestDatabase, field: dict[str, object]
) -> None:
    applier(changed(registration(), **field))
    assert reasons(test_database) == ["invalid"]
    assert service(test_database, "1") == []


def test_a_share_ends_once_forgets_its_key_and_keeps_its_first_reason(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    share_id = a_share(database)
    for number in (1, 2):
        applier(delivered(DeprovisionService(share_id=share_id, reason=f"reason {number}", occurred_at=at(number))))
    rows = test_database.ask(
        "SELECT is_active, ended_at, end_reason, encrypted_api_key, encryption_key_id FROM user_service_instances"
    )
    assert rows == [(False, at(1), "reason 1", None, None)]
    assert reasons(test_database) == []


def test_the_end_of_an_unknown_share_waits_a_moment_and_is_given_up(
    applier: Applier, test_database: TestDatabase
) -> None:
    end: Message = DeprovisionService(share_id="figma_nobodys-share")
    applier(delivered(end))
    assert test_database.ask("SELECT state FROM redeliveries") == [("retry",)]
    applier(delivered(end, attempts=EARLY_ATTEMPTS))
    assert reasons(test_database) == ["unknown-share"]


def test_uses_are_stored_and_counted_once_and_the_newest_is_remembered(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    share_id, other = a_share(database), a_share(database, "github")
    batch = ServiceUsed(
        uses=[
            Use(share_id=share_id, used_at=at(2), endpoint="/mcp", method="POST", status_code=200, response_time_ms=7),
            Use(share_id=other, used_at=at(1)),
            Use(share_id=share_id, used_at=at(1), status_code=500, error="it broke"),
        ]
    )
    for _ in range(3):
        applier(delivered(batch))
    assert counts(test_database, share_id) == (2, at(2), 2)
    assert counts(test_database, other) == (1, at(1), 1)
    stored = test_database.ask(
        "SELECT user_id, service_type, endpoint, method, status_code, response_time_ms, error_message"
        " FROM service_usage_analytics WHERE instance_id = %s ORDER BY timestamp",
        share_id,
    )
    assert stored == [
        (USER, "figma", None, None, 500, None, "it broke"),
        (USER, "figma", "/mcp", "POST", 200, 7, None),
    ]
    applier(delivered(ServiceUsed(uses=[Use(share_id=share_id, used_at=at(0))])))
    assert counts(test_database, share_id) == (3, at(2), 3)


def test_a_bad_use_harms_none_of_its_neighbours(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    share_id = a_share(database)
    batch = ServiceUsed(
        uses=[
            Use(share_id="figma_nobodys-share", used_at=at(1), endpoint="/mcp"),
            Use(share_id=share_id, used_at=NOW - timedelta(days=400)),
            Use(share_id=share_id, used_at=NOW + timedelta(days=400)),
            Use(share_id=share_id, used_at=at(1), endpoint="a\x00b" + "c" * 300, error="\udfff"),
        ]
    )
    applier(delivered(batch))
    assert counts(test_database, share_id)[0] == 1
    ((endpoint, error),) = test_database.ask("SELECT endpoint, error_message FROM service_usage_analytics")
    assert (len(str(endpoint)), str(endpoint)[:3], error) == (255, "a\ufffdb", "\ufffd")
    strays = test_database.ask(
        "SELECT reason, instance_id, payload ->> 'endpoint' FROM service_usage_quarantine ORDER BY 1, 2, 3"
    )
    assert strays == [
        ("unbelievable-time", share_id, None),
        ("unbelievable-time", share_id, None),
        ("unknown-share", "figma_nobodys-share", "/mcp"),
    ]
    assert reasons(test_database) == []


def test_a_share_that_has_ended_is_used_late_and_stays_ended(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    share_id = a_share(database)
    applier(delivered(DeprovisionService(share_id=share_id)))
    applier(delivered(used(share_id)))
    assert test_database.ask("SELECT usage_count, is_active FROM user_service_instances") == [(1, False)]


def test_uses_of_a_month_without_a_partition_get_one(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    share_id, earlier = a_share(database), NOW - timedelta(days=29)
    test_database.ask(f"DROP TABLE IF EXISTS partitions.service_usage_analytics_y{earlier:%Y}m{earlier:%m}")
    applier(delivered(used(share_id, used_at=earlier)))
    assert counts(test_database, share_id) == (1, earlier, 1)


def test_batches_that_come_together_are_one_set(
    database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    apply, share_id = make_group_applier(database, resources, *ACTORS), a_share(database)
    batches = [delivered(used(share_id, share_id)) for _ in range(20)]
    apply(*batches, *batches[:5])
    apply(*batches)
    assert counts(test_database, share_id) == (40, NOW, 40)
    assert test_database.value("SELECT count(*) FROM inbox") == 20
    updates = "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'user_service_instances'"
    test_database.ask("SELECT pg_stat_force_next_flush()")
    assert int(str(test_database.value(updates))) <= 2


@pytest.mark.parametrize(
    "field", [{"share_id": "short"}, {"status_code": 99}, {"response_time_ms": -1}, {"method": "x" * 11}, {"more": 1}]
)
def test_a_use_that_does_not_fit_its_contract_is_put_aside_alone(
    applier: Applier, test_database: TestDatabase, field: dict[str, object]
) -> None:
    good = {"share_id": "figma_nobodys-share", "used_at": NOW.isoformat()}
    applier(changed(used("figma_nobodys-share"), uses=[good, {**good, **field}]))
    assert reasons(test_database) == []
    assert test_database.ask("SELECT reason FROM service_usage_quarantine ORDER BY reason") == [
        ("contract",),
        ("unknown-share",),
    ]


def test_a_use_that_fits_no_contract_harms_none_of_its_neighbours(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    share_id = a_share(database)
    batch = ServiceUsed(uses=[Use(share_id=share_id, used_at=at(1)), Use(share_id=share_id, used_at=at(2))])
    envelope = json.loads(seal(batch))
    good = envelope["args"][0]["uses"][0]
    envelope["args"][0]["uses"][1:1] = [good | {"status_code": 42}, "text", {"share_id": 5}]
    for _ in range(2):
        applier(repacked(json.dumps(envelope).encode()))
    assert counts(test_database, share_id)[0] == 2
    assert test_database.ask(
        "SELECT instance_id, reason, payload -> 'line_number', payload ? 'problem' FROM service_usage_quarantine"
        " ORDER BY 3"
    ) == [(share_id, "contract", 2, True), ("", "contract", 3, True), ("", "contract", 4, True)]
    assert reasons(test_database) == []
