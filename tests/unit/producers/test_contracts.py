"""What a contract takes and what it refuses, at the producer and at the worker alike."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest

from docs.examples import EXAMPLES
from producers import (
    CONTRACTS,
    CheckHealth,
    DeleteInstance,
    HealthReported,
    HealthTarget,
    InstanceFailed,
    InstanceStarted,
    InvalidMessage,
    LogsEmitted,
    Message,
    PartitionsDue,
)
from producers import message_id as ids
from producers.envelope import seal
from producers.messages.logs import MAX_LINE
from producers.text import MAX_DEPTH
from tests.unit.producers.samples import NOON, batch, line, nested, report, wish

EVERY_CONTRACT = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


def payload(message: Message) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(seal(message))["args"][0]
    return fields


@EVERY_CONTRACT
def test_what_was_sent_is_what_is_received(contract: type[Message]) -> None:
    sent = EXAMPLES[contract]
    assert contract.received(payload(sent), message_id=str(sent.message_id)) == sent


@EVERY_CONTRACT
def test_an_unknown_field_is_refused_on_both_sides(contract: type[Message]) -> None:
    sent = EXAMPLES[contract]
    with pytest.raises(InvalidMessage, match="colour: Extra inputs are not permitted"):
        contract(**dict(sent) | {"colour": "red"})
    with pytest.raises(InvalidMessage, match="colour: Extra inputs are not permitted"):
        contract.received(payload(sent) | {"colour": "red"}, message_id=str(sent.message_id))


@EVERY_CONTRACT
def test_a_missing_field_is_named_on_both_sides(contract: type[Message]) -> None:
    with pytest.raises(InvalidMessage, match=rf"^{contract.wire_name} does not fit its contract: \w+: Field required"):
        contract()
    with pytest.raises(InvalidMessage, match=rf"^{contract.wire_name} does not fit its contract: \w+: Field required"):
        contract.received({}, message_id=str(ids.new()))


@EVERY_CONTRACT
@pytest.mark.parametrize("moment", [datetime(2026, 11, 21, 12), "2026-11-21T12:00:00"])  # noqa: DTZ001  naive on purpose
def test_a_naive_time_is_refused(contract: type[Message], moment: object) -> None:
    fields: dict[str, Any] = dict(EXAMPLES[contract]) | {"occurred_at": moment}
    with pytest.raises(InvalidMessage, match="occurred_at: Input should have timezone info"):
        contract(**fields)


@EVERY_CONTRACT
def test_a_message_cannot_be_changed(contract: type[Message]) -> None:
    with pytest.raises(ValueError, match="Instance is frozen"):
        EXAMPLES[contract].occurred_at = NOON


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("user_id", "zebra", "Input should be a valid UUID"),
        ("user_id", 7, "UUID"),
        ("user_id", None, "UUID"),
        ("mcp_type", "", "at least 1 character"),
        ("mcp_type", "x" * 51, "at most 50 characters"),
        ("mcp_type", 5, "valid string"),
        ("duration_minutes", 0, "greater than 0"),
        ("duration_minutes", -5, "greater than 0"),
        ("duration_minutes", 525_601, "less than or equal to 525600"),
        ("duration_minutes", 1.5, "valid integer"),
        ("name", "", "at least 1 character"),
        ("name", "x" * 256, "at most 255 characters"),
        ("name", "a\x00b", "NUL character"),
        ("name", "\ud800", "is not valid Unicode"),
        ("host_id", None, "valid string"),
        ("config", [], "valid dictionary"),
        ("config", {"a": object()}, "not a valid JSON value"),
        ("config", {"a": {1: 2}}, "valid string"),
        ("config", {"a": (1, 2)}, "not a valid JSON value"),
        ("config", {"a": ["\x00"]}, "NUL character"),
        ("config", {"\x00": 1}, "NUL character"),
        ("config", {"a": {"\udfff": 1}}, "is not valid Unicode"),
        ("config", {"a": float("nan")}, "a number that JSON does not have"),
        ("config", {"a": [float("-inf")]}, "a number that JSON does not have"),
        ("config", {"a": 2**63}, "an integer over 64 bits"),
        ("config", {"a": -(10**5_000)}, "an integer over 64 bits"),
        ("config", nested(MAX_DEPTH + 1), "more than 64 levels deep"),
        ("config", nested(50_000), "more than 64 levels deep"),
        ("access_token_hash", "a" * 63, "should match pattern"),
        ("access_token_hash", "A" * 64, "should match pattern"),
        ("access_token_hash", "a" * 64 + "\n", "should match pattern"),
        ("access_token_hint", "x" * 21, "at most 20 characters"),
    ],
)
def test_a_wrong_value_is_refused_with_the_field_and_the_reason(field: str, value: object, problem: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        wish(**{field: value})
    assert field in str(refused.value)
    assert problem in str(refused.value)
    with pytest.raises(InvalidMessage, match=field):
        type(wish()).received(payload(wish()) | {field: value}, message_id=str(ids.new()))


@pytest.mark.parametrize(
    "config",
    [
        nested(MAX_DEPTH),
        {"": "", "ключ": "значение 🦊", "n": [None, True, -(2**63) + 1, 2**63 - 1, 1e308, 0.1]},
        {"<script>": "'; DROP TABLE users; --"},
    ],
)
def test_any_json_that_can_be_stored_arrives_as_it_was(config: dict[str, Any]) -> None:
    message = wish(config=config)
    assert message.received(payload(message), message_id=str(message.message_id)) == message


def test_a_cycle_is_refused() -> None:
    cycle: dict[str, Any] = {}
    cycle["self"] = cycle
    with pytest.raises(InvalidMessage, match="more than 64 levels deep"):
        wish(config=cycle)


def test_a_field_that_is_called_self_is_refused_like_any_other() -> None:
    fields: dict[str, Any] = {"self": 1}
    with pytest.raises(InvalidMessage, match="self: Extra inputs are not permitted"):
        DeleteInstance(**fields)


@pytest.mark.parametrize("value", [[], "text", None, 7])
def test_a_payload_that_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(InvalidMessage, match="the payload is not an object"):
        DeleteInstance.received(value, message_id=str(ids.new()))


def test_an_id_inside_the_payload_is_refused() -> None:
    message_id = str(ids.new())
    with pytest.raises(InvalidMessage, match="message_id: belongs into the envelope"):
        DeleteInstance.received({"instance_id": str(uuid4()), "message_id": message_id}, message_id=message_id)


@pytest.mark.parametrize(
    "message_id", [uuid4(), UUID(int=0), UUID("ffffffff-ffff-7fff-bfff-ffffffffffff"), "not a uuid", None]
)
def test_an_id_that_is_no_uuid_of_version_7_is_refused(message_id: object) -> None:
    fields: dict[str, Any] = {"instance_id": uuid4(), "message_id": message_id}
    with pytest.raises(InvalidMessage, match="message_id: "):
        DeleteInstance(**fields)
    with pytest.raises(InvalidMessage, match="message_id: "):
        DeleteInstance.received({"instance_id": str(uuid4())}, message_id=str(message_id))


def test_a_received_message_without_a_moment_has_the_moment_of_its_id() -> None:
    message_id = ids.new()
    received = [DeleteInstance.received({"instance_id": str(uuid4())}, message_id=str(message_id)) for _ in range(2)]
    assert {message.occurred_at for message in received} == {ids.moment(message_id)}


def test_a_new_message_occurs_now() -> None:
    before = datetime.now(UTC)
    message = DeleteInstance(instance_id=uuid4())
    assert before <= message.occurred_at <= datetime.now(UTC)
    assert abs(ids.moment(message.message_id) - message.occurred_at) < timedelta(seconds=1)


def test_a_time_of_any_offset_is_the_same_moment() -> None:
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    started = InstanceStarted(instance_id=uuid4(), process_id=1, process_started_at=tokyo)
    received = InstanceStarted.received(payload(started), message_id=str(started.message_id))
    assert received.process_started_at == NOON


@pytest.mark.parametrize("process_id", [0, -1, 2**31])
def test_a_process_id_is_one_that_a_system_gives(process_id: int) -> None:
    with pytest.raises(InvalidMessage, match="process_id"):
        InstanceStarted(instance_id=uuid4(), process_id=process_id, process_started_at=NOON)


def test_a_failure_says_what_went_wrong() -> None:
    with pytest.raises(InvalidMessage, match="error: String should have at least 1 character"):
        InstanceFailed(instance_id=uuid4(), error="")
    with pytest.raises(InvalidMessage, match="error: String should have at most 2000 characters"):
        InstanceFailed(instance_id=uuid4(), error="x" * 2_001)


@pytest.mark.parametrize(
    "url", ["", "ftp://host/", "//host", "http://", "http://a b", "http://a\x00", "http://a\n", "http://" + "a" * 500]
)
def test_a_target_has_an_address_that_can_be_asked(url: str) -> None:
    with pytest.raises(InvalidMessage, match="url"):
        HealthTarget(instance_id=uuid4(), url=url, scheduled_at=NOON)


@pytest.mark.parametrize("seconds", [0, 0.09, 30.1, float("nan"), float("inf")])
def test_a_probe_has_between_a_tenth_and_thirty_seconds(seconds: float) -> None:
    with pytest.raises(InvalidMessage, match="timeout_seconds"):
        HealthTarget(instance_id=uuid4(), url="http://host/", timeout_seconds=seconds, scheduled_at=NOON)


@pytest.mark.parametrize(
    ("field", "value"),
    [("verdict", "fine"), ("response_ms", -1), ("response_ms", float("inf")), ("error", "x" * 301), ("era", "old")],
)
def test_a_report_says_only_what_can_be_recorded(field: str, value: object) -> None:
    with pytest.raises(InvalidMessage, match=f"HealthReport does not fit its contract: {field}"):
        report(**{field: value})


@pytest.mark.parametrize(("count", "problem"), [(0, "at least 1 item"), (501, "at most 500 items")])
def test_a_batch_of_checks_has_1_to_500(count: int, problem: str) -> None:
    with pytest.raises(InvalidMessage, match=problem):
        HealthReported(reports=[report()] * count)
    with pytest.raises(InvalidMessage, match=problem):
        CheckHealth(targets=[HealthTarget(instance_id=uuid4(), url="http://host/", scheduled_at=NOON)] * count)


@pytest.mark.parametrize(("count", "problem"), [(0, "at least 1 item"), (1_001, "at most 1000 items")])
def test_a_batch_of_lines_has_1_to_1000(count: int, problem: str) -> None:
    with pytest.raises(InvalidMessage, match=problem):
        batch(*[line()] * count)


def test_an_error_in_a_batch_is_told_with_its_place() -> None:
    wrong: dict[str, Any] = dict(line()) | {"level": "loud"}
    fields: dict[str, Any] = {"lines": [line(), wrong]}
    with pytest.raises(InvalidMessage, match=r"lines\.1\.level: Input should be 'debug'"):
        LogsEmitted(**fields)


def test_what_a_process_printed_is_mended_not_refused() -> None:
    printed = line(
        message="a\x00b\ud800c",
        metadata={"\x00": "\udfff", "n": float("nan"), "big": 10**5_000, "deep": nested(50_000), "ok": [1, "ok"]},
    )
    assert printed.message == "a\ufffdb\ufffdc"
    assert printed.metadata["\ufffd"] == "\ufffd"
    assert printed.metadata["n"] == "nan"
    assert printed.metadata["big"] == "… [integer over 64 bits]"
    assert "… [nested too deep]" in str(printed.metadata["deep"])
    assert printed.metadata["ok"] == [1, "ok"]
    sent = batch(printed)
    assert LogsEmitted.received(payload(sent), message_id=str(sent.message_id)) == sent


def test_a_long_line_is_cut_and_says_so() -> None:
    assert line(message="x" * MAX_LINE).message == "x" * MAX_LINE
    cut = line(message="x" * (MAX_LINE + 1)).message
    assert len(cut) == MAX_LINE
    assert cut.endswith("… [truncated]")


@pytest.mark.parametrize("message", [5, None, ["text"]])
def test_a_line_is_text(message: object) -> None:
    with pytest.raises(InvalidMessage, match="message"):
        line(message=message)


def test_a_line_may_be_the_bytes_that_a_process_printed() -> None:
    assert line(message=b"caf\xc3\xa9 \xff\x00").message == "café \ufffd\ufffd"


def test_every_scheduler_makes_the_same_tick() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-7)))
    assert PartitionsDue.at(NOON).message_id == PartitionsDue.at(elsewhere).message_id
    assert PartitionsDue.at(NOON).message_id != PartitionsDue.at(NOON + timedelta(minutes=1)).message_id
    assert PartitionsDue.at(NOON).fire_time == PartitionsDue.at(NOON).occurred_at == NOON


@pytest.mark.parametrize(
    "subjects", [{}, {"instance_id": uuid4(), "service_type": "figma"}, {"service_type": "figma", "server_id": "s"}]
)
def test_a_report_is_about_one_instance_or_one_service_or_one_server(subjects: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match="names one of instance_id, service_type and server_id"):
        report(**{"instance_id": None, **subjects})
    assert report(instance_id=None, service_type="figma").service_type == "figma"
