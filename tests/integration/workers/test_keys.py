"""Keys of third parties on their way through a worker: sealed, opened, kept; and what becomes of each bad one."""

import base64
import json
import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from db.encryption import KeyRing
from db.engine import Database
from db.keeping import Vault
from db.pepper import Pepper
from db.secret import Secret, decrypt, place_of_key
from producers import KeyRotationDue, KeyValidated, RevokeApiKey, StoreApiKey
from producers import message_id as ids
from producers.envelope import seal
from producers.sealing import Sealable
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import USER, changed, delivered, make_applier, reasons, repacked
from tests.unit.producers.sealed import OTHERS, SEALING, SECRET, stored
from workers.actors import ACTORS
from workers.app import _able
from workers.applier import EARLY_ATTEMPTS, Applier
from workers.resources import Resources
from workers.sealing import SealingKeys, new_private_key
from workers.settings import WorkerSettings

pytestmark = pytest.mark.usefixtures("user")

RING = KeyRing.parse(f"2026-11:{base64.b64encode(bytes(range(32))).decode()}")
VAULT = Vault(RING, Pepper.parse(base64.b64encode(bytes(32)).decode()))


@pytest.fixture
def applier(database: Database, resources: Resources) -> Applier:
    return make_applier(database, Resources(resources.prober, SEALING, VAULT), *ACTORS)


def key_of(database: TestDatabase) -> str:
    ((row_id, type_id, *parts),) = database.ask(
        "SELECT id, mcp_type_id, encryption_key_id, encrypted_dek, encryption_iv, encrypted_key FROM api_keys"
    )
    return decrypt(Secret(*map(str, parts)), place_of_key(row_id, USER, type_id), RING)  # type: ignore[arg-type]  # rows are of objects


def letter(database: TestDatabase) -> str:
    """Give all of the only dead letter."""
    ((text,),) = database.ask("SELECT to_jsonb(dead_letters)::text FROM dead_letters")
    return str(text)


def test_a_key_goes_from_its_sender_to_its_row_and_is_nowhere_else(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(stored()))
    assert key_of(test_database) == SECRET
    assert reasons(test_database) == []
    assert test_database.value("SELECT count(*) FROM inbox") == 1


def test_the_same_message_twice_is_one_effect(applier: Applier, test_database: TestDatabase) -> None:
    delivery = delivered(stored())
    applier(delivery)
    before = test_database.ask("SELECT * FROM api_keys")
    applier(delivery)
    assert test_database.ask("SELECT * FROM api_keys") == before


def test_a_key_for_another_recipient_comes_again_and_then_is_a_dead_letter_that_names_the_known(
    applier: Applier, test_database: TestDatabase
) -> None:
    message = stored(keys=SealingKeys.parse(f"2025-01:{new_private_key()}"))
    applier(delivered(message))
    assert test_database.ask("SELECT state, attempts FROM redeliveries") == [("retry", 1)]
    applier(delivered(message, attempts=EARLY_ATTEMPTS))
    assert reasons(test_database) == ["sealed-for-another"]
    assert "sealed for 2025-01, and SEALING_KEYS holds 2026-11" in letter(test_database)
    assert message.sealed_key.ciphertext not in letter(test_database)


@pytest.mark.parametrize("how", ["changed", "copied", "another user", "another type", "another pair", "cut"])
def test_a_key_that_does_not_open_is_a_dead_letter_and_leaves_the_one_that_is_there(
    how: str, applier: Applier, test_database: TestDatabase
) -> None:
    other = uuid4()
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'bob@example.org', 'Bob')", other)
    applier(delivered(stored()))
    message = stored("the key of an attacker")
    sealed = message.sealed_key.model_dump()
    raw = bytearray(base64.b64decode(sealed["ciphertext"]))
    raw[-1] ^= 1
    spoiled = {
        "changed": lambda: changed(message, sealed_key=sealed | {"ciphertext": base64.b64encode(raw).decode()}),
        "copied": lambda: changed(stored("x"), sealed_key=sealed),
        "another user": lambda: changed(message, user_id=str(other)),
        "another type": lambda: changed(message, mcp_type="github"),
        "another pair": lambda: delivered(stored("the key of an attacker", keys=OTHERS)),
        "cut": lambda: changed(message, sealed_key=sealed | {"ciphertext": sealed["ciphertext"][:-4]}),
    }[how]()
    applier(spoiled)
    assert reasons(test_database) == ["sealed-key-refused"]
    assert sealed["ciphertext"] not in letter(test_database)
    assert test_database.value("SELECT count(*) FROM api_keys") == 1
    assert key_of(test_database) == SECRET


def test_a_sealed_key_under_another_id_is_another_message(applier: Applier, test_database: TestDatabase) -> None:
    """Nobody who reads the bus can have an old key stored again."""
    applier(delivered(stored()))
    envelope = json.loads(seal(stored("a key of the past")))
    envelope["message_id"] = str(ids.new())
    applier(repacked(json.dumps(envelope).encode()))
    assert reasons(test_database) == ["sealed-key-refused"]
    assert key_of(test_database) == SECRET


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sealed_key": {"recipient": "2026-11", "ciphertext": "A" * 11_000}}, "invalid"),
        ({"sealed_key": {"recipient": "2026-11", "ciphertext": "A" * 64}}, "invalid"),
        ({"sealed_key": {"recipient": "2026-11", "ciphertext": "*" * 100}}, "invalid"),
        ({"sealed_key": {"recipient": "a b", "ciphertext": "A" * 100}}, "invalid"),
        ({"sealed_key": {"recipient": "2026-11", "ciphertext": "A" * 69}}, "sealed-key-refused"),
        ({"sealed_key": {"recipient": "2026-11", "ciphertext": "A" * 100}}, "sealed-key-refused"),
        ({"sealed_key": SECRET}, "invalid"),
        ({"api_key": SECRET}, "invalid"),
        ({"mcp_type": "fax"}, "sealed-key-refused"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "invalid"),
    ],
)
def test_what_is_no_sealed_key_is_a_dead_letter_without_it(
    fields: dict[str, object], reason: str, applier: Applier, test_database: TestDatabase
) -> None:
    applier(changed(stored(), **fields))
    assert reasons(test_database) == [reason]
    assert SECRET not in letter(test_database)
    assert test_database.value("SELECT count(*) FROM api_keys") == 0


def test_unknown_users_types_services_and_keys_are_refused_each_by_its_name(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(stored(user_id=uuid4())))
    applier(delivered(stored(mcp_type="fax")))
    applier(delivered(RevokeApiKey(user_id=uuid4(), mcp_type="figma")))
    applier(delivered(RevokeApiKey(user_id=USER, mcp_type="fax")))
    applier(delivered(KeyValidated(user_id=USER, service_type="fax", is_valid=True), attempts=EARLY_ATTEMPTS))
    assert reasons(test_database) == ["unknown-user", "unknown-type", "unknown-user", "unknown-type", "unknown-service"]


@pytest.mark.parametrize(
    "early",
    [RevokeApiKey(user_id=USER, mcp_type="figma"), KeyValidated(user_id=USER, service_type="figma", is_valid=True)],
    ids=lambda message: message.wire_name,
)
def test_what_overtook_the_storing_of_its_key_comes_again(
    early: RevokeApiKey | KeyValidated, applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(early))
    assert test_database.value("SELECT state FROM redeliveries") == "retry"
    applier(delivered(stored(), attempts=0))
    applier(delivered(early, attempts=EARLY_ATTEMPTS))
    assert reasons(test_database) == []


def test_a_revocation_wins_over_a_key_that_was_stored_before_and_comes_late(
    applier: Applier, test_database: TestDatabase
) -> None:
    now = datetime.now(UTC)
    late = stored("the key that comes late").model_copy(update={"occurred_at": now - timedelta(seconds=2)})
    applier(delivered(stored().model_copy(update={"occurred_at": now - timedelta(seconds=3)})))
    applier(delivered(RevokeApiKey(user_id=USER, mcp_type="figma", occurred_at=now - timedelta(seconds=1))))
    applier(delivered(late))
    assert test_database.ask("SELECT is_active FROM api_keys") == [(False,)]
    assert key_of(test_database) == SECRET


def test_what_a_service_answered_is_kept_without_what_looks_like_a_secret(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(stored()))
    said = KeyValidated(
        user_id=USER,
        service_type="figma",
        is_valid=True,
        response={"plan": "team", "api_key": SECRET, "said": f"token={SECRET}"},
    )
    applier(delivered(said))
    ((is_valid, kept, key_hash),) = test_database.ask(
        "SELECT is_valid, validation_response::text, key_hash FROM api_key_validation_cache"
    )
    assert is_valid is True
    assert key_hash == VAULT.fingerprint(SECRET)
    assert SECRET not in str(kept)
    assert "team" in str(kept)


def test_a_worker_without_the_active_master_key_writes_nothing_and_says_which_it_lacks(
    applier: Applier,
    database: Database,
    resources: Resources,
    test_database: TestDatabase,
    caplog: pytest.LogCaptureFixture,
) -> None:
    applier(delivered(stored()))
    other = Vault(KeyRing.parse(f"2027-01:{base64.b64encode(bytes(32)).decode()}"), VAULT.pepper)
    lacking = make_applier(database, Resources(resources.prober, SEALING, other), *ACTORS)
    with caplog.at_level(logging.WARNING):
        lacking(delivered(stored("a key that waits for another worker")))
    assert "under the master key 2026-11, which MASTER_KEYS does not hold" in caplog.text
    assert test_database.value("SELECT state FROM redeliveries") == "retry"
    assert key_of(test_database) == SECRET


def test_a_worker_that_is_not_set_up_for_keys_parks_them_and_does_the_rest() -> None:
    lacking = WorkerSettings(redis_url="", database=None, sealing_keys=SEALING).lacks_for_keys  # type: ignore[arg-type]  # nothing connects here
    assert lacking == ["MASTER_KEYS", "KEY_PEPPER"]
    left = _able(ACTORS, lacking)
    assert {actor.contract for actor in ACTORS} - {actor.contract for actor in left} == {
        actor.contract for actor in ACTORS if issubclass(actor.contract, Sealable)
    }
    assert StoreApiKey not in {actor.contract for actor in left}
    assert RevokeApiKey in {actor.contract for actor in left}
    assert _able(ACTORS, []) is ACTORS


def test_a_tick_wraps_what_is_under_a_former_key(
    applier: Applier, database: Database, resources: Resources, test_database: TestDatabase
) -> None:
    applier(delivered(stored()))
    both = KeyRing({**RING._keys, "2027-01": bytes(32)})
    test_database.ask("UPDATE encryption_keys SET status = 'decrypt_only'")
    check = both.check_values()["2027-01"]
    test_database.ask(
        "INSERT INTO encryption_keys (key_id, check_value, status) VALUES ('2027-01', %s, 'active')", check
    )
    after = make_applier(database, Resources(resources.prober, SEALING, Vault(both, VAULT.pepper)), *ACTORS)
    after(delivered(KeyRotationDue.at(datetime.now(UTC))))
    assert test_database.ask("SELECT encryption_key_id FROM api_keys") == [("2027-01",)]
    assert test_database.value("SELECT affected FROM maintenance.runs WHERE task = 'rotate-keys'") == 1
