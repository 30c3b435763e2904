"""Shares of services: who gets one, who does not, and what stays of them whatever the order of messages."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from db.engine import Database
from db.keeping import Vault
from db.secret import Secret, decrypt, place_of_share
from producers import DeprovisionService, Message, ProvisionService, ServiceUsed, Use
from producers.testing import RecordingProducer
from tests.databases import TestDatabase
from tests.integration.db.dedicated import RING
from tests.integration.db.vaults import PEPPER
from tests.integration.workers.deliveries import USER, changed, delivered, make_applier, reasons
from tests.integration.workers.lateness import LateAndDoubled, agree
from tests.unit.producers.sealed import OTHERS, SEALING, SECRET, public
from workers.actors import ACTORS
from workers.applier import EARLY_ATTEMPTS, Applier
from workers.probes.prober import Prober
from workers.resources import Resources

pytestmark = pytest.mark.usefixtures("user")

VAULT: Final = Vault(RING, PEPPER)
NOW: Final = datetime.now(UTC)


@pytest.fixture
def applier(database: Database) -> Iterator[Applier]:
    prober = Prober()
    yield make_applier(database, Resources(prober, SEALING, VAULT), *ACTORS)
    prober.close()


def wish(**fields: object) -> ProvisionService:
    given = {"user_id": USER, "share_id": f"figma_{uuid4().hex}", "service_type": "figma"}
    return ProvisionService.model_validate({**given, **fields})


def rows(database: TestDatabase, columns: str) -> list[tuple[object, ...]]:
    return database.ask(f"SELECT {columns} FROM user_service_instances ORDER BY service_type")  # noqa: S608  the test's own words


def a_sealed_wish() -> ProvisionService:
    producer = RecordingProducer(sealing_key=public())
    producer.provision_service(user_id=USER, service_type="figma", api_key=SECRET, config={"team": "a"})
    (message,) = producer.of(ProvisionService)
    return message


def test_a_share_has_its_key_encrypted_for_its_row_alone(applier: Applier, test_database: TestDatabase) -> None:
    message = a_sealed_wish()
    applier(delivered(message))
    applier(delivered(message))
    ((share_id, config, token),) = rows(test_database, "instance_id, config, encrypted_api_key")
    assert (share_id, config) == (message.share_id, {"team": "a"})
    secret = Secret.parse(str(token))
    assert decrypt(secret, place_of_share(message.share_id, USER, "figma"), RING) == SECRET
    assert SECRET not in message.model_dump_json()


@pytest.mark.parametrize(
    "field", [{"service_type": "github"}, {"share_id": "figma_anothers"}, {"user_id": str(UUID(int=8))}]
)
def test_a_key_that_was_sealed_for_another_share_is_refused(
    applier: Applier, test_database: TestDatabase, field: dict[str, object]
) -> None:
    applier(changed(a_sealed_wish(), **field))
    assert reasons(test_database) == ["sealed-key-refused"]
    assert rows(test_database, "1") == []
    assert SECRET not in str(test_database.ask("SELECT * FROM dead_letters"))


def test_a_key_that_was_sealed_with_another_pair_is_refused(applier: Applier, test_database: TestDatabase) -> None:
    producer = RecordingProducer(sealing_key=public(OTHERS))
    producer.provision_service(user_id=USER, service_type="figma", api_key=SECRET)
    applier(delivered(producer.of(ProvisionService)[0]))
    assert reasons(test_database) == ["sealed-key-refused"]


@pytest.mark.parametrize(
    ("fields", "before", "reason"),
    [
        ({"user_id": UUID(int=99)}, "", "unknown-user"),
        ({}, "UPDATE users SET is_active = false", "unknown-user"),
        ({}, "UPDATE users SET deleted_at = now()", "unknown-user"),
        ({"service_type": "nothing"}, "", "unknown-service"),
        ({}, "UPDATE service_registry SET is_available = false", "service-unavailable"),
        ({}, "UPDATE system_settings SET value = '0' WHERE key LIKE '%.max_shares_per_user'", "too-many-shares"),
    ],
)
def test_a_wish_that_cannot_be_met_is_a_dead_letter_with_its_reason(
    applier: Applier, test_database: TestDatabase, fields: dict[str, Any], before: str, reason: str
) -> None:
    if before:
        test_database.ask(before)
    applier(delivered(wish(**fields), attempts=EARLY_ATTEMPTS))
    assert reasons(test_database) == [reason]
    assert rows(test_database, "1") == []


def test_a_service_that_is_not_healthy_is_shared_all_the_same(applier: Applier, test_database: TestDatabase) -> None:
    test_database.ask("UPDATE service_health_status SET is_healthy = false")
    applier(delivered(wish()))
    assert rows(test_database, "is_active, encrypted_api_key") == [(True, None)]


def test_a_second_share_of_a_service_waits_for_the_end_of_the_first_and_is_refused_without_it(
    applier: Applier, test_database: TestDatabase
) -> None:
    first, second, third = (wish(occurred_at=NOW - timedelta(seconds=3 - number)) for number in range(3))
    for message in (first, second):
        applier(delivered(message))
    assert test_database.ask("SELECT state FROM redeliveries") == [("retry",)]
    applier(delivered(DeprovisionService(share_id=first.share_id, occurred_at=first.occurred_at)))
    applier(delivered(second, attempts=1))
    applier(delivered(third, attempts=EARLY_ATTEMPTS))
    assert rows(test_database, "instance_id") == [(second.share_id,)]
    assert reasons(test_database) == ["share-exists"]


def test_a_late_wish_does_not_revive_what_ended_since_and_a_new_one_begins_anew(
    applier: Applier, test_database: TestDatabase
) -> None:
    first, late, new = (wish(occurred_at=NOW - timedelta(seconds=9 - 3 * number)) for number in range(3))
    end = DeprovisionService(share_id=first.share_id, occurred_at=late.occurred_at + timedelta(seconds=1))
    used = ServiceUsed(uses=[Use(share_id=first.share_id, used_at=NOW)])
    for message in (first, used, end, late):
        applier(delivered(message))
    assert reasons(test_database) == ["share-ended"]
    assert rows(test_database, "instance_id, is_active, usage_count") == [(first.share_id, False, 1)]
    applier(delivered(new))
    assert rows(test_database, "instance_id, is_active, usage_count, ended_at") == [(new.share_id, True, 0, None)]
    applier(delivered(DeprovisionService(share_id=first.share_id), attempts=EARLY_ATTEMPTS))
    assert rows(test_database, "instance_id, is_active") == [(new.share_id, True)]


def test_the_id_of_another_share_is_refused_and_that_share_stays(applier: Applier, test_database: TestDatabase) -> None:
    first = wish()
    applier(delivered(first))
    before = rows(test_database, "*")
    applier(delivered(wish(share_id=first.share_id, service_type="github")))
    assert reasons(test_database) == ["data-refused"]
    assert rows(test_database, "*") == before


def test_the_limit_is_exact_however_many_ask_at_once(applier: Applier, test_database: TestDatabase) -> None:
    test_database.ask("UPDATE system_settings SET value = '3' WHERE key = 'service.max_shares_per_user'")
    names = [str(name) for (name,) in test_database.ask("SELECT service_type FROM service_registry")]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(applier, [delivered(wish(service_type=name)) for name in names]))
    assert len(rows(test_database, "1")) == 3
    assert reasons(test_database) == ["too-many-shares"] * (len(names) - 3)


@dataclass
class Life:
    """What the model knows of a user's share of a service."""

    share_id: str
    ended_at: datetime | None = None
    uses: int = 0
    last_used_at: datetime | None = None


class Sharing(LateAndDoubled):
    """Wishes, ends and uses of one service's shares."""

    @initialize()
    def begin(self) -> None:
        self.user, self.now = uuid4(), NOW - timedelta(minutes=5)
        self.life: Life | None = None
        self.known: list[str] = []
        email = f"{self.user}@example.org"
        self.database.ask("INSERT INTO users (id, email, name) VALUES (%s, %s, 'Ada')", self.user, email)

    def moment(self) -> datetime:
        self.now += timedelta(milliseconds=10)
        return self.now

    def follow(self, message: Message) -> None:
        """Have the model do what the message says."""
        life = self.life
        match message:
            case ProvisionService(share_id=share_id, occurred_at=at):
                if life is None or (life.ended_at is not None and life.ended_at < at):
                    self.life = Life(share_id)
            case DeprovisionService(share_id=share_id, occurred_at=at):
                if life is not None and life.share_id == share_id and life.ended_at is None:
                    life.ended_at = at
            case ServiceUsed(uses=uses):
                for use in uses:
                    if life is not None and use.share_id == life.share_id:
                        life.uses += 1
                        life.last_used_at = max(filter(None, (life.last_used_at, use.used_at)))
            case _:
                raise TypeError(message)

    @rule(late=st.booleans())
    def ask(self, late: bool) -> None:  # noqa: FBT001  a drawn value
        message = wish(user_id=self.user, occurred_at=self.moment())
        self.known.append(message.share_id)
        self.tell(message, late=late)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), late=st.booleans())
    def end(self, data: st.DataObject, late: bool) -> None:  # noqa: FBT001  a drawn value
        living = [] if self.life is None else [self.life.share_id] * len(self.known)
        share_id = data.draw(st.sampled_from(living + self.known))
        self.tell(DeprovisionService(share_id=share_id, occurred_at=self.moment()), late=late)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), late=st.booleans())
    def use(self, data: st.DataObject, late: bool) -> None:  # noqa: FBT001  a drawn value
        used = data.draw(st.lists(st.sampled_from(self.known), min_size=1, max_size=4))
        self.tell(ServiceUsed(uses=[Use(share_id=each, used_at=self.moment()) for each in used]), late=late)

    @invariant()
    def agrees(self) -> None:
        found = self.database.ask(
            "SELECT instance_id, ended_at, usage_count, last_used_at, is_active FROM user_service_instances"
            " WHERE user_id = %s",
            self.user,
        )
        life = self.life
        expected = (
            [] if life is None else [(life.share_id, life.ended_at, life.uses, life.last_used_at, not life.ended_at)]
        )
        assert found == expected
        stored = "SELECT count(*) FROM service_usage_analytics WHERE user_id = %s AND instance_id = %s"
        if life is not None:
            assert self.database.value(stored, self.user, life.share_id) == life.uses


@pytest.mark.timeout(300)
def test_the_database_agrees_with_a_model_of_every_share(applier: Applier, test_database: TestDatabase) -> None:
    """Late and doubled wishes, ends and uses revive nothing, and every use of a known share counts once."""
    agree(Sharing, test_database, applier)
