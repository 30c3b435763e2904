"""A key is sealed for one message, by somebody who could not open it."""

import base64
import sys
from datetime import timedelta

import pytest

from producers import InvalidMessage, InvalidSealingKey, SealingKey, SealingUnavailable, StoreApiKey, connect
from producers.envelope import seal
from producers.sealing import MAX_KEY_BYTES
from producers.testing import RecordingProducer
from tests.unit.producers.samples import NOON, USER
from tests.unit.producers.sealed import SEALING, SECRET, public, stored


def test_a_sealed_key_shows_nothing_of_the_key() -> None:
    message = stored()
    told = f"{message!r} {message} {message.sealed_key!r} {seal(message).decode()}"
    assert SECRET not in told
    assert base64.b64encode(SECRET.encode()).decode() not in told
    assert message.sealed_key.ciphertext not in repr(message)


def test_sealing_the_same_key_twice_gives_two_texts() -> None:
    assert stored().sealed_key.ciphertext != stored().sealed_key.ciphertext


def test_a_sealing_key_is_read_from_what_it_writes() -> None:
    key = SealingKey.parse(f" {public()}\n")
    assert key.text == public()
    assert key.name == "2026-11"
    assert key == SEALING.public()[0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11",
        # A private key by mistake: it has no mark.
        f"2026-11:{base64.b64encode(bytes(32)).decode()}",
        f":hpke-public:{base64.b64encode(bytes(32)).decode()}",
        f"a b:hpke-public:{base64.b64encode(bytes(32)).decode()}",
        f"2026-11:hpke-public:{base64.b64encode(bytes(31)).decode()}",
        "2026-11:hpke-public:ż",
    ],
)
def test_what_is_no_public_sealing_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidSealingKey, match="NAME:hpke-public:BASE64") as refused:
        connect("redis://nowhere.invalid", sealing_key=text)
    assert "AAAA" not in str(refused.value)


@pytest.mark.parametrize("api_key", ["", "x" * (MAX_KEY_BYTES + 1), "ż" * MAX_KEY_BYTES, f"{SECRET}\ud800"])
def test_a_key_that_cannot_be_sealed_is_refused_without_repeating_it(api_key: str) -> None:
    with pytest.raises(InvalidMessage, match="the API key") as refused:
        stored(api_key)
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_longest_key_fits_its_contract() -> None:
    message = stored("x" * MAX_KEY_BYTES)
    assert StoreApiKey.received(message.model_dump(mode="json"), message_id=str(message.message_id)) == message


def test_what_is_wrong_besides_the_key_is_told_before_it_is_sealed() -> None:
    with pytest.raises(InvalidMessage, match="user_id") as refused:
        stored(user_id="nobody")
    assert SECRET not in str(refused.value)
    with pytest.raises(InvalidMessage, match="expires_at is not after occurred_at"):
        stored(expires_at=NOON - timedelta(days=365))


def test_without_a_sealing_key_nothing_is_sent() -> None:
    producer = RecordingProducer()
    with pytest.raises(SealingUnavailable, match="sealing_key="):
        producer.store_api_key(user_id=USER, mcp_type="figma", api_key=SECRET)
    assert producer.sent == []


def test_without_cryptography_the_remedy_is_named_when_the_producer_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.hpke", None)
    monkeypatch.delitem(sys.modules, "producers.hpke", raising=False)
    with pytest.raises(SealingUnavailable, match=r"pip install 'minimcp-producers\[sealing\]'"):
        connect("redis://nowhere.invalid", sealing_key=public())
