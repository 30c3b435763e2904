"""Keys of third parties: encrypted for their row, the newest wins, and what was said about one goes with it."""

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest

from db import pepper
from db.engine import Database
from db.errors import Conflict, KeyRefused, SecretUnreadable, UnknownKey, UnknownService, UnknownType, UnknownUser
from db.keeping import Vault, hint
from db.pepper import Pepper
from db.repositories.keys import KeyRow
from tests.databases import TestDatabase

from .given import Given, at_once
from .vaults import AT, NEW, OLD, PEPPER, SECRET, VAULT, Keeper, a_key


@pytest.fixture
def keeper(test_database: TestDatabase, database: Database) -> Keeper:
    return Keeper(database, test_database, Given(test_database).a_user)


@pytest.fixture(autouse=True)
def long_ago_is_fresh(test_database: TestDatabase) -> None:
    """Have validations of the tests' noon count for years."""
    test_database.ask("UPDATE system_settings SET value = '5256000' WHERE key = 'keys.validation_ttl_minutes'")


def test_a_key_is_stored_so_that_only_its_row_and_the_master_key_open_it(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    assert keeper.keeps(user_id)
    assert keeper.reads(user_id) == SECRET
    with pytest.raises(SecretUnreadable, match="does not hold the master key 2026-11"):
        keeper.reads(user_id, ring=NEW)
    ((hinted, fingerprint, is_active, row),) = keeper.admin.ask(
        "SELECT key_hint, key_fingerprint, is_active, to_jsonb(api_keys)::text FROM api_keys"
    )
    assert (hinted, fingerprint, is_active) == (SECRET[-4:], VAULT.fingerprint(SECRET), True)
    assert SECRET not in str(row)


def test_storing_again_overwrites_the_row_and_keeps_its_id(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    keeper.keeps(user_id, "the first key of all")
    before = keeper.admin.ask("SELECT id FROM api_keys")
    assert keeper.keeps(user_id, minutes=1, expires_at=datetime.now(UTC) + timedelta(days=1))
    assert keeper.admin.ask("SELECT id FROM api_keys") == before
    assert keeper.reads(user_id) == SECRET


def test_the_newest_store_or_revocation_wins_whatever_the_order(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    assert keeper.keeps(user_id, minutes=5)
    assert not keeper.keeps(user_id, "an older key of the user", minutes=4)
    assert not keeper.revokes(user_id, minutes=4)
    assert keeper.reads(user_id) == SECRET
    assert keeper.revokes(user_id, minutes=6)
    assert keeper.reads(user_id) is None
    assert not keeper.keeps(user_id, minutes=5)
    assert keeper.reads(user_id) is None
    assert keeper.keeps(user_id, minutes=7)
    assert keeper.reads(user_id) == SECRET


def test_a_clock_ahead_does_not_keep_later_changes_out(keeper: Keeper) -> None:
    user_id, year = keeper.a_user(), 60 * 24 * 365
    assert keeper.keeps(user_id, minutes=year)
    now = int((datetime.now(UTC) - AT) / timedelta(minutes=1)) + 1
    assert keeper.keeps(user_id, "a key of today, please", minutes=now)


def test_whose_and_what_for_must_be_known(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    with pytest.raises(UnknownUser):
        keeper.keeps(uuid4())
    with pytest.raises(UnknownType):
        keeper.keeps(user_id, mcp_type="fax")
    with pytest.raises(UnknownUser):
        keeper.revokes(uuid4())
    with pytest.raises(UnknownType):
        keeper.revokes(user_id, mcp_type="fax")
    with pytest.raises(UnknownKey):
        keeper.revokes(user_id)
    with pytest.raises(UnknownKey):
        keeper.told(user_id)
    with pytest.raises(UnknownService):
        keeper.told(user_id, service="fax")


def test_a_user_who_is_not_active_can_lose_a_key_but_not_get_one(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    keeper.keeps(user_id)
    keeper.admin.ask("UPDATE users SET is_active = false")
    with pytest.raises(UnknownUser):
        keeper.keeps(user_id, minutes=1)
    assert keeper.revokes(user_id, minutes=1)


def test_keys_stored_at_once_leave_one_row_that_opens(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    keeper.verifies(OLD)

    def store(number: int) -> bool:
        # As a worker does after a conflict.
        while True:
            with suppress(Conflict):
                return keeper.keeps(user_id, f"key number {number} of many", minutes=number)

    at_once([partial(store, number) for number in range(8)])
    assert keeper.admin.value("SELECT count(*) FROM api_keys") == 1
    assert keeper.reads(user_id) == "key number 7 of many"


def test_a_key_that_lost_the_race_for_its_row_is_encrypted_anew(keeper: Keeper, database: Database) -> None:
    """Its ciphertext is bound to the id of a row that will never be."""
    user_id = keeper.a_user()
    keeper.verifies(OLD)
    with database.transaction() as uow:
        row_id, type_id = uow.keys.place(user_id, "figma", new_id=uuid4())
        assert keeper.keeps(user_id)
        row = KeyRow(
            id=row_id,
            user_id=user_id,
            mcp_type_id=type_id,
            encryption_key_id="2026-11",
            expires_at=None,
            key_changed_at=AT + timedelta(minutes=1),
            **dict.fromkeys(("encrypted_key", "encryption_iv", "encrypted_dek", "key_hint", "key_fingerprint"), "x"),
        )
        with pytest.raises(Conflict, match="stored at the same moment"):
            uow.keys.store(row)
    assert keeper.reads(user_id) == SECRET


def test_what_a_service_said_is_known_until_it_is_over_or_said_otherwise(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    keeper.keeps(user_id)
    assert keeper.known(user_id) is None
    assert keeper.told(user_id, minutes=2)
    assert keeper.known(user_id) is True
    assert keeper.known(user_id, "another key") is None
    assert not keeper.told(user_id, is_valid=False, minutes=1)
    assert keeper.known(user_id) is True
    assert keeper.told(user_id, is_valid=False, minutes=3)
    assert keeper.known(user_id) is False
    keeper.admin.ask("UPDATE system_settings SET value = '1' WHERE key = 'keys.validation_ttl_minutes'")
    assert not keeper.told(user_id, minutes=4)
    assert keeper.known(user_id) is False


def test_the_setting_says_for_how_long_it_is_believed(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    keeper.keeps(user_id)
    keeper.admin.ask("UPDATE system_settings SET value = '90' WHERE key = 'keys.validation_ttl_minutes'")
    now = (datetime.now(UTC) - AT) / timedelta(minutes=1)
    keeper.told(user_id, minutes=now)
    assert keeper.admin.value(
        "SELECT expires_at - validated_at = interval '90 minutes' AND validated_at <= now()"
        " FROM api_key_validation_cache"
    )


def test_a_key_that_was_stored_since_is_not_what_the_service_was_asked_about(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    keeper.keeps(user_id, minutes=5)
    assert not keeper.told(user_id, minutes=4)
    assert keeper.known(user_id) is None


@pytest.mark.parametrize("change", ["stored", "revoked"])
def test_what_was_said_goes_with_the_key(change: str, keeper: Keeper) -> None:
    user_id, other = keeper.a_user(), keeper.a_user()
    for each in (user_id, other):
        keeper.keeps(each)
        keeper.told(each, minutes=1)
    if change == "stored":
        keeper.keeps(user_id, "the next key of the user", minutes=2)
    else:
        keeper.revokes(user_id, minutes=2)
    assert keeper.known(user_id) is None
    assert keeper.known(other) is True
    assert not keeper.told(user_id, minutes=1.5)
    assert keeper.known(user_id) is None


def test_nothing_is_said_of_a_key_while_it_is_being_revoked(keeper: Keeper, database: Database) -> None:
    """The validation waits for the revocation, and then has nothing to say."""
    user_id = keeper.a_user()
    keeper.keeps(user_id)
    said: list[bool] = []
    telling = threading.Thread(target=lambda: said.append(keeper.told(user_id, minutes=3)))
    with database.transaction() as uow:
        uow.keys.revoke(user_id, "figma", at=AT + timedelta(minutes=2))
        telling.start()
        telling.join(0.5)
        assert telling.is_alive()
    telling.join(10)
    assert said == [False]
    assert keeper.known(user_id) is None


def test_without_a_pepper_or_the_master_keys_nothing_is_written(keeper: Keeper) -> None:
    user_id = keeper.a_user()
    for vault, sentence in (
        (Vault(OLD), "set KEY_PEPPER"),
        (Vault(pepper=PEPPER), "set MASTER_KEYS"),
    ):
        with pytest.raises(KeyRefused, match=sentence):
            keeper.keeps(user_id, vault=vault)
    keeper.keeps(user_id)
    with pytest.raises(KeyRefused, match="does not hold"):
        keeper.keeps(user_id, minutes=1, vault=Vault(NEW, PEPPER))
    assert keeper.reads(user_id) == SECRET
    assert keeper.admin.ask("SELECT encryption_key_id FROM api_keys") == [("2026-11",)]


def test_another_pepper_stops_a_start(database: Database) -> None:
    pepper.verify(None, database)
    pepper.verify(PEPPER, database)
    pepper.verify(PEPPER, database)
    with pytest.raises(KeyRefused, match="KEY_PEPPER is not the one"):
        pepper.verify(Pepper.parse(a_key(8)), database)
    with pytest.raises(KeyRefused, match="KEY_PEPPER is not set"):
        pepper.verify(None, database)


@pytest.mark.parametrize("text", ["short", a_key(1)[:-4], "ż" * 44])
def test_a_pepper_that_cannot_be_one_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(KeyRefused, match="KEY_PEPPER is not 32 bytes") as refused:
        Pepper.parse(text)
    assert text not in str(refused.value)
    assert a_key(9) not in repr(PEPPER)


def test_a_short_key_has_no_hint() -> None:
    assert hint("x" * 11) == ""
    assert hint("figd-abcdefghi") == "fghi"
