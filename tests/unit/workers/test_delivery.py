"""Whatever lies in Redis, reading it never raises."""

import json
import zlib
from base64 import b64encode

from hypothesis import given
from hypothesis import strategies as st

from workers.delivery import Delivery

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "queue_name": JSON,
        "actor_name": JSON,
        "args": JSON | st.lists(JSON, min_size=1, max_size=1),
        "options": JSON
        | st.fixed_dictionaries({}, optional={"eta": JSON, "attempts": JSON})
        | st.fixed_dictionaries({"encoding": st.just("zlib") | JSON}),
        "message_id": JSON,
    },
)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_delivery(raw: bytes) -> None:
    assert Delivery.unpack("logs", "id", raw, 0).problem is not None or raw


@given(FIELDS)
def test_any_envelope_is_a_delivery_that_can_be_kept(envelope: dict[str, object]) -> None:
    delivery = Delivery.unpack("logs", "id", json.dumps(envelope).encode(), 1)
    for text in (delivery.text, delivery.message_id, delivery.wire_name, delivery.problem or ""):
        assert "\x00" not in text
        text.encode()
    assert 0 <= delivery.attempts <= 1_000


@given(payload=JSON, cut=st.integers(0, 20))
def test_any_compressed_payload_is_a_delivery(payload: object, cut: int) -> None:
    compressed = zlib.compress(json.dumps(payload).encode())
    argument = b64encode(compressed[: len(compressed) - cut]).decode()
    envelope = {"args": [argument], "options": {"encoding": "zlib"}, "actor_name": "a", "message_id": "b"}
    delivery = Delivery.unpack("logs", "id", json.dumps(envelope).encode(), 0)
    assert (delivery.problem is None) == (cut == 0)
    assert cut or repr(delivery.payload) == repr(json.loads(json.dumps(payload)))
