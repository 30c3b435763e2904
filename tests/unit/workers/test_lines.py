"""Two readers of log lines, of which the quick one may only decline or say what the contract says."""

import json
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import LogLine, LogsEmitted
from producers import message_id as ids
from producers.envelope import seal
from producers.message_id import is_message_id
from workers import lines
from workers.delivery import Delivery

_GOOD: Final[dict[str, Any]] = {
    "instance_id": str(uuid4()),
    "timestamp": "2026-11-21T15:52:41.123456+02:00",
    "message": "ready",
}
_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)
_CHANGES: Final = st.fixed_dictionaries(
    {},
    optional={
        "message": st.text(max_size=20) | st.just("x" * 70_000),
        "metadata": st.dictionaries(st.text(max_size=5), _VALUES, max_size=3),
        "timestamp": st.sampled_from(
            ["2026-11-21T15:52:41Z", "2026-11-21", "9999-12-31T23:59:59Z", 1_800_000_000, "x"]
        ),
        "level": st.sampled_from(["debug", "error", "shout"]),
        "instance_id": st.sampled_from([str(uuid4()).upper(), uuid4().hex, "mine"]),
        "colour": st.just("red"),
    },
)


def _delivery(travelled: list[Any], **more: object) -> Delivery:
    line = LogLine(instance_id=uuid4(), timestamp=_GOOD["timestamp"], message="")
    envelope = json.loads(seal(LogsEmitted(lines=[line])))
    envelope["args"][0] |= {"lines": travelled, **more}
    return Delivery.unpack("logs", envelope["message_id"], json.dumps(envelope).encode(), 0)


@given(st.lists(_CHANGES, min_size=1, max_size=4))
def test_the_quick_reader_says_what_the_contract_says(changes: list[dict[str, Any]]) -> None:
    delivery = _delivery([_GOOD | change for change in changes])
    read, judged = lines.read(delivery), lines._judged(delivery)
    assert _without_metadata(read) == _without_metadata(judged)
    assert [json.loads(each) for each in read.batch.metadata] == [json.loads(each) for each in judged.batch.metadata]


def _without_metadata(read: lines.ReadLines) -> object:
    batch = read.batch
    columns = (batch.ids, batch.numbers, batch.instance_ids, batch.counts, batch.levels, batch.sources, batch.messages)
    return [list(column) for column in columns], list(read.refused)


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"in": value}
    return value


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"message": "a NUL \x00"}, id="NUL"),
        pytest.param({"message": "half \ud83d of a pair"}, id="half of a pair"),
        pytest.param({"message": "x" * 65_537}, id="too long"),
        pytest.param({"metadata": {"big": 2**63}}, id="over 64 bits"),
        pytest.param({"metadata": {"no number": float("nan")}}, id="NaN"),
        pytest.param({"metadata": {"no number": float("-inf")}}, id="infinity"),
        pytest.param({"metadata": _nested(66)}, id="too deep"),
        pytest.param({"level": "shout"}, id="no level"),
        pytest.param({"instance_id": str(UUID(int=0xABC)).upper()}, id="capitals"),
    ],
)
def test_what_is_to_be_mended_or_refused_is_left_to_the_contract(change: dict[str, Any]) -> None:
    assert not _is_read_quickly([_GOOD, _GOOD | change])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="text"),
        pytest.param({"message": "\x1b[31m😀"}, id="colours and signs"),
        pytest.param({"metadata": {"a": [1, 2.5, None, {"b": True}]}}, id="metadata"),
        pytest.param({"metadata": _nested(64)}, id="deep"),
    ],
)
def test_what_processes_print_every_day_is_read_quickly(change: dict[str, Any]) -> None:
    assert _is_read_quickly([_GOOD | change])


@pytest.mark.parametrize(
    "metadata", [b'{"more than a double": 1e400}', b'{"in": ' * 100_000, b'{"in": ' * 2_000 + b"1" + b"}" * 2_000]
)
def test_what_only_another_language_writes_is_left_to_the_contract(metadata: bytes) -> None:
    delivery = _delivery([_GOOD | {"metadata": {"here": True}}])
    raw = delivery.raw.replace(b'{"here": true}', metadata)
    assert raw != delivery.raw
    plain = lines._plain_lines(raw)
    assert plain is None or lines._plain(ids.new(), plain) is None


@pytest.mark.parametrize("change", [{"metadata": None}, {"level": None}, {"message": 5}, {"timestamp": None}])
def test_a_field_of_another_type_is_left_to_the_contract(change: dict[str, Any]) -> None:
    assert not _is_read_quickly([_GOOD | change])


def test_times_finer_than_a_microsecond_are_rounded() -> None:
    read = lines.read(_delivery([_GOOD | {"timestamp": "2026-11-21T15:52:41.123456789Z"}]))
    assert [at.microsecond for at in read.batch.timestamps] == [123457]


def _is_read_quickly(travelled: list[Any]) -> bool:
    delivery = _delivery(travelled)
    plain = lines._plain_lines(delivery.raw)
    return plain is not None and lines._plain(ids.new(), plain) is not None


def test_ids_of_lines_are_message_ids_in_their_order_the_same_each_time_and_for_no_two_lines() -> None:
    message_id = ids.new()
    made = lines.line_ids(message_id, 1_000)
    assert made[:10] == lines.line_ids(message_id, 10)
    assert len(set(made) | set(lines.line_ids(ids.new(), 1_000))) == 2_000
    assert made == sorted(made)
    assert all(is_message_id(UUID(bytes=each)) for each in made)
