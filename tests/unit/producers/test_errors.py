"""An error names fields and reasons, never what was in them."""

import traceback
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers import CONTRACTS, HealthTarget, InvalidMessage, ProducerError, connect
from producers import errors as errors_module
from producers import message_id as ids
from tests.unit.producers.samples import NOON, batch, line, nested, report, wish

CANARY = "§kanarienvogel§"

SPOILED: list[tuple[Callable[..., object], str, object]] = [
    (wish, "instance_id", CANARY),
    (wish, "user_id", [CANARY]),
    (wish, "mcp_type", CANARY * 10),
    (wish, "duration_minutes", CANARY),
    (wish, "name", CANARY + "\x00"),
    (wish, "name", CANARY + "\ud800"),
    (wish, "host_id", {CANARY: CANARY}),
    (wish, "config", CANARY),
    (wish, "config", {"key": CANARY + "\x00"}),
    (wish, "config", {"key": {"deep": nested(100) | {"a": CANARY}}}),
    (wish, "config", {"key": (CANARY,)}),
    (wish, "access_token_hash", CANARY),
    (wish, "access_token_hint", CANARY * 2),
    (wish, "occurred_at", CANARY),
    (wish, "message_id", CANARY),
    (wish, "unknown", CANARY),
    (line, "level", CANARY),
    (line, "timestamp", CANARY),
    (line, "message", [CANARY]),
    (line, "metadata", {"key": {CANARY}}),
    (report, "verdict", CANARY),
    (report, "response_ms", CANARY),
    (report, "era", CANARY),
]


@pytest.mark.parametrize(("make", "field", "value"), SPOILED)
def test_an_error_does_not_contain_the_value(make: Callable[..., object], field: str, value: object) -> None:
    with pytest.raises(InvalidMessage) as refused:
        make(**{field: value})
    told = f"{refused.value!r} {''.join(traceback.format_exception(refused.value))}"
    assert "kanarienvogel" not in told
    assert field in str(refused.value)


@given(st.sampled_from(list(CONTRACTS.values())), st.text("§¶", min_size=1))
def test_no_part_of_a_received_value_is_told(contract: Any, value: str) -> None:  # noqa: ANN401  any contract will do
    fields = dict.fromkeys(contract.model_json_schema()["properties"], value)
    del fields["message_id"]
    with pytest.raises(InvalidMessage) as refused:
        contract.received(fields, message_id=str(ids.new()))
    assert not set("§¶") & set(str(refused.value))


def test_a_target_with_credentials_in_a_wrong_url_is_not_shown() -> None:
    with pytest.raises(InvalidMessage) as refused:
        HealthTarget(instance_id=uuid4(), url=f"https://user:{CANARY} @host/", scheduled_at=NOON)
    assert "kanarienvogel" not in str(refused.value)


def test_many_problems_are_summed_up() -> None:
    wrong: Any = [{} for _ in range(1_000)]
    with pytest.raises(InvalidMessage) as refused:
        batch(*wrong)
    assert str(refused.value).startswith(
        "logs.emitted.v1 does not fit its contract: lines.0.instance_id: Field required"
    )
    assert str(refused.value).endswith("and 2990 more")
    assert len(str(refused.value)) < 600


def test_a_long_place_is_cut() -> None:
    with pytest.raises(InvalidMessage) as refused:
        wish(config={"k" * 10_000: object()})
    assert len(str(refused.value)) < 300


def test_every_error_of_the_client_stands_in_the_tree_at_the_top() -> None:
    tree = errors_module.__doc__ or ""
    leaves = [error for error in vars(errors_module).values() if isinstance(error, type)]
    ours = [error for error in leaves if issubclass(error, ProducerError)]
    assert len(ours) == 13
    assert all(error.__name__ in tree for error in ours)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "host",
        "http://host",
        f"redis://:{CANARY}/@host:6379",
        f"redis://host:{CANARY}",
        f"redis://host/0?{CANARY}=1",
        f"redis://host/0?db={CANARY}",
        "redis://[::1",
        "redis://host:99999",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_at_once_and_not_shown(url: str) -> None:
    with pytest.raises(ProducerError, match="REDIS_URL is not usable: write redis://") as refused:
        connect(url)
    assert "kanarienvogel" not in "".join(traceback.format_exception(refused.value))
