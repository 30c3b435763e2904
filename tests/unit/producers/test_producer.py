"""What the typed commands send and give back."""

import hashlib
import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from producers import (
    CreateInstance,
    DeleteInstance,
    DeprovisionService,
    InvalidMessage,
    MessageTooLarge,
    Producer,
    ProvisionService,
    Queue,
    SealingUnavailable,
    connect,
)
from producers.testing import RecordingProducer
from tests.integration.workers.bus import RecordingTransport
from tests.unit.producers.samples import batch, line, wish


def test_creating_an_instance_gives_its_id_and_a_token_of_which_only_the_hash_travels() -> None:
    producer = RecordingProducer()
    user_id = uuid4()
    created = producer.create_instance(user_id=user_id, mcp_type="figma", duration=timedelta(hours=1), name="Mine")
    (sent,) = producer.of(CreateInstance)
    assert (sent.instance_id, sent.message_id) == (created.instance_id, created.message_id)
    assert (sent.user_id, sent.mcp_type, sent.duration_minutes, sent.name) == (user_id, "figma", 60, "Mine")
    assert sent.access_token_hash == hashlib.sha256(created.access_token.encode()).hexdigest()
    assert sent.access_token_hint == created.access_token[-4:]
    assert created.access_token not in sent.model_dump_json()
    assert len(created.access_token) == 43


def test_no_two_instances_have_the_same_id_or_token() -> None:
    producer = RecordingProducer()
    created = [producer.create_instance(user_id=uuid4(), mcp_type="figma") for _ in range(20)]
    assert len({one.instance_id for one in created}) == len({one.access_token for one in created}) == 20


def test_a_token_is_not_shown_by_accident() -> None:
    created = RecordingProducer().create_instance(user_id=uuid4(), mcp_type="figma")
    assert created.access_token not in repr(created)


@pytest.mark.parametrize(
    ("duration", "minutes"), [(None, None), (timedelta(minutes=1), 1), (timedelta(days=365), 525_600)]
)
def test_a_duration_travels_in_minutes(duration: timedelta | None, minutes: int | None) -> None:
    producer = RecordingProducer()
    producer.create_instance(user_id=uuid4(), mcp_type="figma", duration=duration)
    assert producer.of(CreateInstance)[0].duration_minutes == minutes


@pytest.mark.parametrize(
    "duration",
    [timedelta(seconds=90), timedelta(0), timedelta(minutes=-1), timedelta(days=366), timedelta.max, timedelta.min],
)
def test_a_duration_that_cannot_be_kept_is_refused_and_nothing_is_sent(duration: timedelta) -> None:
    producer = RecordingProducer()
    with pytest.raises(InvalidMessage, match="duration"):
        producer.create_instance(user_id=uuid4(), mcp_type="figma", duration=duration)
    assert producer.sent == []


def test_a_configuration_is_copied() -> None:
    producer = RecordingProducer()
    config: dict[str, Any] = {"files": ["a"]}
    producer.create_instance(user_id=uuid4(), mcp_type="figma", config=config)
    config["files"].append("b")
    assert producer.of(CreateInstance)[0].config == {"files": ["a"]}


def test_deleting_gives_the_message_id() -> None:
    producer = RecordingProducer()
    instance_id = uuid4()
    message_id = producer.delete_instance(instance_id, reason="No longer needed.")
    (sent,) = producer.of(DeleteInstance)
    assert (sent.message_id, sent.instance_id, sent.reason) == (message_id, instance_id, "No longer needed.")


def test_sending_many_gives_the_ids_in_order() -> None:
    producer = RecordingProducer()
    messages = [DeleteInstance(instance_id=uuid4()) for _ in range(3)]
    assert producer.send_many(message for message in messages) == [message.message_id for message in messages]
    assert producer.sent == messages


def test_sending_nothing_is_nothing() -> None:
    assert connect("redis://nowhere.invalid").send_many([]) == []


def test_one_message_that_is_too_large_keeps_all_from_being_sent() -> None:
    producer = RecordingProducer()
    with pytest.raises(MessageTooLarge):
        producer.send_many([wish(), batch(*[line(message="x" * 65_536)] * 20)])
    assert producer.sent == []


def test_a_recording_producer_keeps_what_was_sent_by_contract() -> None:
    with RecordingProducer() as producer:
        producer.send(DeleteInstance(instance_id=uuid4()), durable=True)
        producer.send_many([batch(line()), DeleteInstance(instance_id=uuid4())])
    assert isinstance(producer, Producer)
    assert len(producer.sent) == 3
    assert len(producer.of(DeleteInstance)) == 2
    assert producer.of(CreateInstance) == []


def test_every_queue_has_one_name() -> None:
    assert [queue.value for queue in Queue] == [
        "instances",
        "keys",
        "services",
        "health",
        "logs",
        "logs_bulk",
        "gateway",
        "maintenance",
        "users",
    ]
    assert f"{Queue.LOGS}" == "logs"


def test_making_a_producer_does_not_connect() -> None:
    with connect("redis://nowhere.invalid") as producer:
        assert isinstance(UUID(str(wish().message_id)), UUID)
        assert producer is not None


def test_a_share_gets_a_random_id_and_travels_without_a_key_unless_one_is_given() -> None:
    producer = RecordingProducer()
    given = [producer.provision_service(user_id=uuid4(), service_type="figma") for _ in range(2)]
    sent = producer.of(ProvisionService)
    assert [one.share_id for one in sent] == [one.share_id for one in given]
    assert len({one.share_id for one in given}) == 2
    assert all(len(one.share_id) == len("figma_") + 22 and one.sealed_key is None for one in sent)
    producer.deprovision_service(given[0].share_id, reason="It is over.")
    assert producer.of(DeprovisionService)[0].share_id == given[0].share_id
    with pytest.raises(SealingUnavailable):
        producer.provision_service(user_id=uuid4(), service_type="figma", api_key="k")


def test_lines_of_an_instance_that_prints_more_than_its_share_wait_where_no_other_need_wait_for_them() -> None:
    transport = RecordingTransport()
    producer = Producer(transport, share_per_second=1)
    noisy, quiet = uuid4(), uuid4()
    messages = [
        *[batch(*[line(instance_id=noisy)] * 9) for _ in range(2)],
        batch(line(instance_id=quiet)),
        DeleteInstance(instance_id=noisy),
    ]
    producer.send_many(messages)
    queues = [queue for queue, _, _ in transport.sealed]
    assert queues == ["logs", "logs_bulk", "logs", "instances"]
    assert [json.loads(data)["queue_name"] for _, _, data in transport.sealed] == queues
    unshared = Producer(transport, share_per_second=None)
    unshared.send(batch(*[line(instance_id=noisy)] * 900))
    assert transport.sealed[-1][0] == "logs"
