"""A wrong master key stops a start; nothing is written under it."""

import base64

import pytest

from db.encryption import KeyRing, verify
from db.engine import Database
from db.errors import KeyRefused

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(reversed(range(32)))).decode()


def test_a_database_without_secrets_needs_no_key(database: Database) -> None:
    verify(KeyRing.parse(""), database)


def test_the_first_key_is_remembered_and_fits_from_then_on(database: Database) -> None:
    verify(KeyRing.parse(f"2026-11:{KEY}"), database)
    verify(KeyRing.parse(f"2026-11:{KEY}, 2027-01:{OTHER}"), database)
    with database.transaction() as uow:
        assert {key.key_id: key.status for key in uow.keys.registered()} == {
            "2026-11": "active",
            "2027-01": "decrypt_only",
        }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("", "MASTER_KEYS does not hold"), (f"2026-11:{OTHER}", "is not the one"), (f"2027-01:{OTHER}", "does not hold")],
)
def test_a_key_that_is_missing_or_another_is_refused(given: str, sentence: str, database: Database) -> None:
    verify(KeyRing.parse(f"2026-11:{KEY}"), database)
    with pytest.raises(KeyRefused, match=sentence):
        verify(KeyRing.parse(given), database)


@pytest.mark.parametrize("given", ["no name", "2026-11:short", f"2026-11:{KEY[:-4]}", f":{KEY}", "2026-11"])
def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(given: str) -> None:
    with pytest.raises(KeyRefused, match="MASTER_KEYS") as refused:
        KeyRing.parse(given)
    assert KEY[:8] not in str(refused.value)


def test_a_key_ring_does_not_show_its_keys() -> None:
    assert KEY not in repr(KeyRing.parse(f"2026-11:{KEY}"))
