"""A sealed key opens in its message and nowhere else."""

import base64
import json
from uuid import UUID

import pytest

from db.errors import KeyRefused
from docs.examples import EXAMPLES, SEALED_PLAINTEXT, SEALING_PAIR
from producers import SealedKey, StoreApiKey
from producers import message_id as ids
from producers.hpke import seal
from tests.unit.producers.sealed import OTHERS, SEALING, SECRET, stored
from workers.commands import sealing_keys
from workers.sealing import SealedForAnother, SealedKeyRefused, SealingKeys, new_private_key


def test_a_worker_reads_what_a_producer_sealed() -> None:
    assert SEALING.open(stored()) == SECRET
    assert SEALING.open(stored("kłucz ✓")) == "kłucz ✓"


def test_the_example_of_the_documents_opens_with_the_pair_that_they_name() -> None:
    example = EXAMPLES[StoreApiKey]
    assert isinstance(example, StoreApiKey)
    assert SealingKeys.parse(SEALING_PAIR).open(example) == SEALED_PLAINTEXT


@pytest.mark.parametrize(
    "change", [{"message_id": ids.new()}, {"user_id": UUID(int=8)}, {"mcp_type": "github"}, {"mcp_type": "figma2"}]
)
def test_a_sealed_key_that_was_copied_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(SealedKeyRefused, match="does not open with 2026-11") as refused:
        SEALING.open(stored().model_copy(update=change))
    assert refused.value.__context__ is None or SECRET not in str(refused.value.__context__)


def test_a_sealed_key_for_another_purpose_is_refused() -> None:
    class Elsewhere(StoreApiKey):
        wire_name = "keys.elsewhere.v1"

    message = stored()
    with pytest.raises(SealedKeyRefused):
        SEALING.open(Elsewhere(**dict(message)))


@pytest.mark.parametrize("place", [0, 31, 32, 40, -1])
def test_a_sealed_key_with_one_bit_changed_is_refused(place: int) -> None:
    message = stored()
    raw = bytearray(base64.b64decode(message.sealed_key.ciphertext))
    raw[place] ^= 1
    with pytest.raises(SealedKeyRefused):
        SEALING.open(_with(message, bytes(raw)))


@pytest.mark.parametrize("plaintext", [b"", b"x" * 8_193, b"\xff\xfe canary"])
def test_what_is_sealed_and_no_key_is_refused(plaintext: bytes) -> None:
    """A producer in another language may seal whatever it likes."""
    message = stored()
    (public,) = SEALING.public()
    with pytest.raises(SealedKeyRefused) as refused:
        SEALING.open(_with(message, seal(plaintext, public.public, message.binding.info(public.name))))
    assert "canary" not in str(refused.value)


def test_a_key_for_another_recipient_names_those_that_are_known() -> None:
    message = stored(keys=SealingKeys.parse(f"2025-01:{new_private_key()}"))
    with pytest.raises(SealedForAnother, match="sealed for 2025-01, and SEALING_KEYS holds 2026-11"):
        SEALING.open(message)
    with pytest.raises(SealedForAnother, match="SEALING_KEYS is not set"):
        SealingKeys().open(message)


def test_another_pair_of_the_same_name_opens_nothing() -> None:
    with pytest.raises(SealedKeyRefused, match="another pair of that name"):
        SEALING.open(stored(keys=OTHERS))


def test_two_pairs_overlap_while_one_takes_the_place_of_the_other() -> None:
    old, new = f"2026-10:{new_private_key()}", f"2026-11:{new_private_key()}"
    both = SealingKeys.parse(f"{old}, {new}")
    assert both.open(stored(keys=SealingKeys.parse(old))) == both.open(stored(keys=SealingKeys.parse(new))) == SECRET


@pytest.mark.parametrize("text", ["no name", "2026-11", "2026-11:c2hvcnQ=", "a:{key},a:{key}", ":{key}"])
def test_a_private_key_that_cannot_be_one_is_refused_without_repeating_it(text: str) -> None:
    key = new_private_key()
    with pytest.raises(KeyRefused, match="SEALING_KEYS") as refused:
        SealingKeys.parse(text.format(key=key))
    assert key not in str(refused.value)


def test_private_keys_are_not_shown() -> None:
    key = new_private_key()
    assert key not in repr(SealingKeys.parse(f"2026-11:{key}"))


def test_a_pair_is_made_for_both_sides() -> None:
    made = json.loads(sealing_keys.show_new("2027-01", as_json=True))
    keys = SealingKeys.parse(made["private"])
    assert json.loads(sealing_keys.show_public(keys, as_json=True)) == [made["public"]]
    assert sealing_keys.show_public(keys, as_json=False) == made["public"]
    assert keys.open(stored(keys=keys)) == SECRET
    assert "For the producers" in sealing_keys.show_new("2027-01", as_json=False)
    assert "is not set" in sealing_keys.show_public(SealingKeys(), as_json=False)
    with pytest.raises(KeyRefused, match="no usable name"):
        sealing_keys.show_new("a b", as_json=False)


def _with(message: StoreApiKey, sealed: bytes) -> StoreApiKey:
    text = base64.b64encode(sealed).decode()
    return message.model_copy(update={"sealed_key": SealedKey.model_construct(recipient="2026-11", ciphertext=text)})
