"""A bad message gets a dead letter with its reason, and harms nobody beside it."""

import json
import zlib
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from producers import CheckHealth, DeleteInstance
from producers import message_id as ids
from producers.envelope import seal
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import changed, create, delivered, id_at, reasons, repacked, with_id
from workers.applier import Applier
from workers.delivery import Delivery

pytestmark = pytest.mark.usefixtures("user")


def target(offset: timedelta) -> dict[str, str]:
    slot = datetime.now(UTC) + offset
    return {"instance_id": str(uuid4()), "url": "http://localhost:1/", "scheduled_at": slot.isoformat()}


def health() -> CheckHealth:
    return CheckHealth.model_validate({"targets": [target(timedelta())]})


def compressed(payload: bytes, encoding: str = "zlib") -> Delivery:
    envelope = json.loads(delivered(create()).raw) | {"args": [b64encode(payload).decode()]}
    return repacked(json.dumps(envelope).encode(), encoding=encoding)


BAD: dict[str, tuple[Callable[[], Delivery], str]] = {
    "an envelope that is no JSON": (lambda: Delivery.unpack("instances", str(ids.new()), b"{", 0), "unreadable"),
    "an envelope without a payload": (
        lambda: Delivery.unpack("instances", str(ids.new()), b'{"message_id": "x", "actor_name": "y"}', 0),
        "unreadable",
    ),
    "an envelope over the limit": (
        lambda: Delivery.unpack("logs", str(ids.new()), b'"' + b"x" * 1_100_000 + b'"', 0),
        "unreadable",
    ),
    "a nesting without end": (
        lambda: Delivery.unpack("logs", str(ids.new()), b"[" * 200_000, 0),
        "unreadable",
    ),
    "a zip bomb": (lambda: compressed(zlib.compress(bytes(2**27))), "unreadable"),
    "half a compressed payload": (lambda: compressed(zlib.compress(b"{}")[:-2]), "unreadable"),
    "a compressed payload that is none": (lambda: compressed(b"{}"), "unreadable"),
    "a compressed payload that is no object": (lambda: compressed(zlib.compress(b"5")), "invalid"),
    "an encoding of tomorrow": (lambda: compressed(zlib.compress(b"{}"), "zstd"), "unreadable"),
    "a wire name that cannot be stored": (
        lambda: Delivery.unpack("logs", str(ids.new()), b'{"message_id": "\\ud800", "actor_name": "a\\u0000"}', 0),
        "unreadable",
    ),
    "a wrong type": (lambda: changed(create(), user_id=7), "invalid"),
    "an unknown field": (lambda: changed(create(), colour="red"), "invalid"),
    "a naive time": (lambda: changed(create(), occurred_at="2026-11-21T10:00:00"), "invalid"),
    "a NUL": (lambda: changed(create(), name="a\x00b"), "invalid"),
    "a lone surrogate": (lambda: changed(create(), name="a\ud800b"), "invalid"),
    "an id of another version": (
        lambda: repacked(with_id(create(), str(uuid4()))),
        "invalid",
    ),
    "an id that is no UUID": (lambda: repacked(with_id(create(), "seven")), "invalid"),
    "an id from the future": (lambda: repacked(with_id(create(), id_at(timedelta(hours=1)))), "future-id"),
    "an id older than the inbox": (lambda: repacked(with_id(create(), id_at(-timedelta(days=40)))), "expired-id"),
    "a check of next year": (lambda: changed(health(), targets=[target(timedelta(days=365))]), "invalid"),
    "an unknown user": (lambda: delivered(create(user_id=uuid4())), "unknown-user"),
    "an unknown type": (lambda: delivered(create(mcp_type="fax")), "unknown-type"),
    "an unknown instance": (lambda: delivered(DeleteInstance(instance_id=uuid4()), attempts=2), "unknown-instance"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_message_is_a_dead_letter_with_its_reason_and_its_neighbour_is_applied(
    what: str, applier: Applier, test_database: TestDatabase
) -> None:
    make, reason = BAD[what]
    bad = make()
    applier(bad)
    applier(bad)
    applier(delivered(create()))
    assert reasons(test_database) == [reason]
    assert test_database.value("SELECT count(*) FROM mcp_instances") == 1
    assert test_database.value("SELECT error FROM dead_letters") != ""


def test_the_dead_letter_of_a_bomb_tells_what_it_was(applier: Applier, test_database: TestDatabase) -> None:
    applier(compressed(zlib.compress(bytes(2**27))))
    (error, size), *_ = test_database.ask("SELECT error, length(payload) FROM dead_letters")
    assert error == "the envelope cannot be read: it is more than 1,048,576 bytes when it is decompressed"
    assert int(str(size)) < 200_000


def test_a_compressed_message_that_is_given_up_is_read_by_people_without_its_secrets(
    applier: Applier, test_database: TestDatabase
) -> None:
    unwanted = create(mcp_type="fax", config={"password": "hunter2", "pad": "x" * 5_000})
    sealed = seal(unwanted, compress_from=0)
    assert b"encoding" in sealed
    applier(Delivery.unpack("instances", str(unwanted.message_id), sealed, 0))
    payload = json.loads(str(test_database.value("SELECT payload FROM dead_letters")))
    assert payload["args"][0]["config"]["password"] == "[redacted]"
    assert "encoding" not in payload["options"]
