"""A secret is read in its own place, under its own master key, whole, or not at all."""

import base64
from dataclasses import replace
from typing import Final
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.encryption import KeyRing
from db.errors import SecretUnreadable
from db.secret import Place, Secret, decrypt, encrypt, place_of_key, place_of_share

KEY: Final = base64.b64encode(bytes(range(32))).decode()
OTHER: Final = base64.b64encode(bytes(reversed(range(32)))).decode()
RING: Final = KeyRing.parse(f"2026.11:{KEY}, 2027-01:{OTHER}")
HERE: Final = Place("api_keys", "row", "user1g", "ithub")


@given(st.text(), st.text(), st.text(), st.text())
def test_what_was_encrypted_is_read_again(plaintext: str, row: str, user: str, kind: str) -> None:
    place = Place("t", row, user, kind)
    assert decrypt(Secret.parse(encrypt(plaintext, place, RING, "2026.11").token()), place, RING) == plaintext


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(HERE, table="user_service_instances"),
        replace(HERE, row_id="row2"),
        replace(HERE, user_id="user1", type_id="github"),
        replace(HERE, type_id="figma"),
        replace(HERE, row_id="", user_id="rowuser1g"),
    ],
)
def test_a_secret_is_not_read_in_another_place(elsewhere: Place) -> None:
    with pytest.raises(SecretUnreadable, match="moved from another row"):
        decrypt(encrypt("s", HERE, RING, "2026.11"), elsewhere, RING)


def test_each_layer_is_bound_to_the_place() -> None:
    """Else a data key could be taken along to another row with its ciphertext, or given to another."""
    mine, theirs = encrypt("mine", HERE, RING, "2026.11"), encrypt("theirs", HERE, RING, "2026.11")
    for mixed in (
        replace(mine, data_key=theirs.data_key),
        replace(mine, ciphertext=theirs.ciphertext, nonce=theirs.nonce),
        replace(mine, key_id="2027-01"),
    ):
        with pytest.raises(SecretUnreadable):
            decrypt(mixed, HERE, RING)


def test_every_flipped_bit_is_noticed() -> None:
    secret = encrypt("s", HERE, RING, "2026.11")
    for part in ("data_key", "nonce", "ciphertext"):
        data = base64.b64decode(getattr(secret, part))
        for bit in range(len(data) * 8):
            flipped = bytearray(data)
            flipped[bit // 8] ^= 1 << bit % 8
            broken = replace(secret, **{part: base64.b64encode(flipped).decode()})
            with pytest.raises(SecretUnreadable):
                decrypt(broken, HERE, RING)


@pytest.mark.parametrize("token", ["", "v1", "v1.a.b.c", "v2.k.AAAA.AAAA.AAAA", "v1.2026.11.%.AAAA.AAAA", "v1.k...é"])
def test_what_is_no_secret_is_refused(token: str) -> None:
    with pytest.raises(SecretUnreadable):
        decrypt(Secret.parse(token), HERE, RING)


def test_a_master_key_that_is_not_here_is_named() -> None:
    with pytest.raises(SecretUnreadable, match=r"MASTER_KEYS does not hold the master key 2026\.11"):
        decrypt(encrypt("s", HERE, RING, "2026.11"), HERE, KeyRing.parse(f"2027-01:{OTHER}"))


def test_the_same_secret_never_looks_the_same() -> None:
    one, two = encrypt("s", HERE, RING, "2026.11"), encrypt("s", HERE, RING, "2026.11")
    assert not {one.data_key, one.nonce, one.ciphertext} & {two.data_key, two.nonce, two.ciphertext}
    assert one.ciphertext not in repr(one)


def test_a_key_and_a_share_have_places_of_their_own() -> None:
    row, user, kind = uuid4(), uuid4(), uuid4()
    assert place_of_key(row, user, kind) != place_of_share(str(row), user, str(kind))
