"""An envelope is what Dramatiq itself would write and reads."""

import json
from typing import Any
from uuid import UUID, uuid4

import dramatiq
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.examples import EXAMPLES
from producers import CONTRACTS, DeleteInstance, Message, MessageTooLarge
from producers import message_id as ids
from producers.envelope import MAX_BYTES, seal, seal_unread
from producers.messages.logs import LogLine, LogsEmitted
from producers.schemas import envelope_schema
from tests.unit.producers.samples import NOON, batch, line, wish
from workers.delivery import Delivery

EVERY_CONTRACT = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text("abcдя🦊", max_size=5), inside, max_size=4),
    max_leaves=20,
)


@EVERY_CONTRACT
def test_dramatiq_reads_an_envelope_and_would_write_the_same_bytes(contract: type[Message]) -> None:
    message = EXAMPLES[contract]
    decoded: dramatiq.Message[object] = dramatiq.Message.decode(seal(message))
    assert decoded.encode() == seal(message)
    assert decoded.queue_name == contract.queue.value
    assert decoded.actor_name == contract.wire_name
    assert decoded.kwargs == {}
    assert decoded.options == {"redis_message_id": str(message.message_id)}
    assert decoded.message_id == str(message.message_id)
    assert decoded.message_timestamp == ids.milliseconds(message.message_id)


@EVERY_CONTRACT
def test_a_worker_unpacks_what_was_sealed(contract: type[Message]) -> None:
    message = EXAMPLES[contract]
    delivery = Delivery.unpack(contract.queue.value, str(message.message_id), seal(message), 0)
    assert delivery.problem is None
    assert delivery.wire_name == contract.wire_name
    assert contract.received(delivery.payload, message_id=delivery.message_id) == message


@EVERY_CONTRACT
def test_a_payload_that_nobody_read_is_sealed_as_the_message_is(contract: type[Message]) -> None:
    message = EXAMPLES[contract]
    payload = message.model_dump_json()
    names = {"queue": contract.queue.value, "wire_name": contract.wire_name}
    assert seal_unread(payload, message_id=message.message_id, **names) == seal(message)


def test_a_payload_that_looks_like_an_envelope_stays_a_payload() -> None:
    payload = {'"args":[]': '"args":[]', "args": []}
    raw = seal_unread(json.dumps(payload), message_id=ids.new(), queue='"args":[]', wire_name='"args":[]')
    assert json.loads(raw)["args"] == [payload]


@EVERY_CONTRACT
def test_the_id_travels_in_the_envelope_only(contract: type[Message]) -> None:
    (payload,) = json.loads(seal(EXAMPLES[contract]))["args"]
    assert "message_id" not in payload


@given(st.dictionaries(st.text("abcдя🦊", max_size=5), JSON, max_size=5))
def test_any_configuration_arrives_as_it_was(config: dict[str, Any]) -> None:
    message = wish(config=config)
    sealed = seal(message)
    decoded: dramatiq.Message[object] = dramatiq.Message.decode(sealed)
    assert json.loads(sealed)["args"][0] == decoded.args[0]
    delivery = Delivery.unpack("instances", str(message.message_id), sealed, 0)
    assert message.received(delivery.payload, message_id=delivery.message_id) == message


@given(st.text(st.characters(codec=None, exclude_categories=[])))
def test_whatever_a_process_prints_arrives(printed: str) -> None:
    message = batch(line(message=printed, metadata={"raw": printed}))
    delivery = Delivery.unpack("logs", str(message.message_id), seal(message), 0)
    received = LogsEmitted.received(delivery.payload, message_id=delivery.message_id)
    assert received == message
    assert "\x00" not in received.lines[0].message


def test_an_envelope_of_exactly_the_limit_is_sent_and_one_byte_more_is_not() -> None:
    message = wish(config={"pad": ""})
    room = MAX_BYTES - len(seal(message))
    largest = message.model_copy(update={"config": {"pad": "x" * room}})
    assert len(seal(largest, compress_from=2 * MAX_BYTES)) == MAX_BYTES
    opened = Delivery.unpack("instances", str(message.message_id), seal(largest), 0)
    assert (opened.problem, len(opened.raw)) == (None, MAX_BYTES)
    with pytest.raises(MessageTooLarge, match=r"takes 1,048,577 bytes, the limit is 1,048,576: send smaller batches"):
        seal(message.model_copy(update={"config": {"pad": "x" * (room + 1)}}))


def test_the_limit_counts_bytes_not_characters() -> None:
    lines: list[LogLine] = [line(message="🦊" * 65_000) for _ in range(5)]
    with pytest.raises(MessageTooLarge):
        seal(batch(*lines))


def test_the_timestamp_is_the_time_of_the_id_to_the_millisecond() -> None:
    for milliseconds in range(1_795_262_400_000, 1_795_262_401_000):
        message_id = UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)
        sealed = seal(DeleteInstance(message_id=message_id, occurred_at=NOON, instance_id=uuid4()))
        assert json.loads(sealed)["message_timestamp"] == milliseconds


def large(words: int = 10) -> LogsEmitted:
    return batch(*(line(message=f"line {number} " + "ärger " * words) for number in range(30)))


@pytest.mark.parametrize("compress_from", [0, 1_000, 10_000_000])
def test_a_worker_reads_a_payload_that_travelled_compressed_as_if_it_had_not(compress_from: int) -> None:
    message = large()
    plain, sealed = seal(message), seal(message, compress_from=compress_from)
    assert (len(sealed) < len(plain)) == (compress_from < 10_000)
    deliveries = [Delivery.unpack("logs", str(message.message_id), raw, 0) for raw in (plain, sealed)]
    assert [each.problem for each in deliveries] == [None, None]
    assert deliveries[0].payload == deliveries[1].payload
    assert len(deliveries[1].raw) == len(plain)
    assert json.loads(deliveries[1].text) == json.loads(plain)


def test_only_what_gains_from_it_is_compressed() -> None:
    assert b"encoding" not in seal(large())
    assert b"encoding" not in seal(DeleteInstance(instance_id=uuid4()), compress_from=0)
    assert b"encoding" in seal(large(2_000))


def test_dramatiq_reads_a_compressed_envelope_too() -> None:
    sealed = seal(large(), compress_from=0)
    decoded: dramatiq.Message[object] = dramatiq.Message.decode(sealed)
    assert decoded.encode() == sealed
    assert decoded.options["payload_bytes"] == len(large().model_dump_json().encode())
    jsonschema.validate(json.loads(sealed), envelope_schema(CONTRACTS))


@pytest.mark.parametrize("size", [0, 1, "many", None])
def test_a_payload_of_another_size_than_it_says_is_refused(size: object) -> None:
    """By what it says workers tell how much more they can hold."""
    envelope = json.loads(seal(large(), compress_from=0))
    envelope["options"]["payload_bytes"] = size
    delivery = Delivery.unpack("logs", envelope["message_id"], json.dumps(envelope).encode(), 0)
    assert "payload_bytes says otherwise" in str(delivery.problem)


def test_the_limit_counts_bytes_before_compression() -> None:
    with pytest.raises(MessageTooLarge):
        seal(wish(config={"pad": "x" * MAX_BYTES}), compress_from=0)


@given(st.text(st.characters(codec=None, exclude_categories=[])))
def test_whatever_a_process_prints_arrives_compressed(printed: str) -> None:
    message = batch(*(line(message=printed, metadata={"raw": printed}) for _ in range(5)))
    delivery = Delivery.unpack("logs", str(message.message_id), seal(message, compress_from=0), 0)
    assert LogsEmitted.received(delivery.payload, message_id=delivery.message_id) == message
