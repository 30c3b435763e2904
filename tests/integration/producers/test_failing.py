"""What the caller is told when Redis is away, full, slow or not what it should be, and what is stored then."""

import traceback
from collections.abc import Iterator
from pathlib import Path
from secrets import token_urlsafe
from uuid import uuid4

import pytest
import redis

from embedded.valkey import ValkeyServer
from producers import BrokerFull, BrokerUnavailable, DeleteInstance, NotDurable, QueueFull, broker, connect
from producers.envelope import seal
from tests.integration.bus.network import FaultyNetwork
from tests.unit.producers.samples import batch, line


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


@pytest.fixture
def message() -> DeleteInstance:
    return DeleteInstance(instance_id=uuid4())


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server that a test may stop, or set up badly."""
    with ValkeyServer(tmp_path / "valkey") as server:
        yield server


@pytest.mark.parametrize("lost", [b"MULTI", b"EXEC"])
def test_a_lost_reply_is_answered_by_sending_the_same_again(
    lost: bytes, valkey_server: ValkeyServer, client: redis.Redis, message: DeleteInstance
) -> None:
    with FaultyNetwork(valkey_server.port) as network, connect(network.url) as producer:
        network.lose_reply_to(lost)
        assert producer.send(message) == message.message_id
        assert network.lost_replies == 1
    assert client.hgetall("dramatiq:instances.msgs") == {str(message.message_id).encode(): seal(message)}
    assert set(client.lrange("dramatiq:instances", 0, -1)) == {str(message.message_id).encode()}


def test_after_an_outage_the_same_object_is_sent_again(
    valkey_server: ValkeyServer, client: redis.Redis, message: DeleteInstance
) -> None:
    with FaultyNetwork(valkey_server.port) as network, connect(network.url) as producer:
        producer.send(DeleteInstance(instance_id=uuid4()))
        network.cut()
        with pytest.raises(BrokerUnavailable, match=r"Redis at 127\.0\.0\.1:\d+ cannot be reached .* check REDIS_URL"):
            producer.send(message)
        network.mend()
        producer.send(message)
    assert client.hlen("dramatiq:instances.msgs") == 2


def test_a_restart_of_redis_is_not_noticed(own_server: ValkeyServer, message: DeleteInstance) -> None:
    with connect(own_server.url) as producer:
        producer.send(DeleteInstance(instance_id=uuid4()))
        own_server.restart()
        producer.send(message)
    assert redis.Redis.from_url(own_server.url).llen("dramatiq:instances") == 2


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64, "..", "127.0.0.1:1"])
def test_a_host_that_is_not_there_is_named(host: str, message: DeleteInstance) -> None:
    with connect(f"redis://:canary@{host}") as producer, pytest.raises(BrokerUnavailable) as refused:
        producer.send(message)
    assert f"Redis at {host}" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_a_wrong_password_is_told_but_not_shown(own_server: ValkeyServer, message: DeleteInstance) -> None:
    redis.Redis.from_url(own_server.url).config_set("requirepass", "right")
    url = own_server.url.replace("redis://", "redis://:canary@")
    with connect(url) as producer, pytest.raises(BrokerUnavailable, match="invalid username-password") as refused:
        producer.send(message)
    assert "canary" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize("count", [1, 200])
def test_a_full_redis_stores_nothing(count: int, redis_url: str, client: redis.Redis) -> None:
    client.config_set("maxmemory", "1")
    try:
        with connect(redis_url) as producer, pytest.raises(BrokerFull, match="memory limit: start more workers"):
            producer.send_many([DeleteInstance(instance_id=uuid4()) for _ in range(count)])
        assert client.keys("dramatiq:*") == []
    finally:
        client.config_set("maxmemory", "0")


def test_a_redis_that_fills_up_in_the_middle_stores_nothing(redis_url: str, client: redis.Redis) -> None:
    large = [batch(*[line(message=token_urlsafe(45_000)) for _ in range(15)]) for _ in range(8)]
    used = int(client.info("memory")["used_memory"])
    client.config_set("maxmemory", str(used + 3_000_000))
    try:
        with connect(redis_url) as producer, pytest.raises(BrokerFull):
            producer.send_many([DeleteInstance(instance_id=uuid4()), *large])
        assert client.keys("dramatiq:*") == []
    finally:
        client.config_set("maxmemory", "0")


def test_a_queue_that_is_full_takes_nothing_until_somebody_works_on_it(redis_url: str, client: redis.Redis) -> None:
    with connect(redis_url, most_waiting=3) as producer:
        producer.send_many([DeleteInstance(instance_id=uuid4()) for _ in range(4)])
        with pytest.raises(QueueFull, match="4 messages wait in instances, the limit is 3: start more workers"):
            producer.send(DeleteInstance(instance_id=uuid4()))
        producer.send(batch(line()))
        assert client.hlen("dramatiq:instances.msgs") == 4
        client.delete("dramatiq:instances", "dramatiq:instances.msgs")
        producer.send(DeleteInstance(instance_id=uuid4()))


def test_a_key_of_another_type_is_not_taken_for_success(
    redis_url: str, client: redis.Redis, message: DeleteInstance
) -> None:
    client.set("dramatiq:instances", "in the way")
    with (
        connect(redis_url) as producer,
        pytest.raises(BrokerUnavailable, match=r"Redis refused the message: .*WRONGTYPE"),
    ):
        producer.send(message)


def test_a_replica_refuses(own_server: ValkeyServer, message: DeleteInstance) -> None:
    redis.Redis.from_url(own_server.url).replicaof("127.0.0.1", 1)
    with connect(own_server.url) as producer, pytest.raises(BrokerUnavailable, match="read only replica"):
        producer.send(message)


def test_a_durable_message_survives_a_power_cut(own_server: ValkeyServer, message: DeleteInstance) -> None:
    with connect(own_server.url) as producer:
        producer.send(message, durable=True)
    own_server.kill()
    own_server.start()
    stored = redis.Redis.from_url(own_server.url).hget("dramatiq:instances.msgs", str(message.message_id))
    assert stored == seal(message)


def test_without_an_append_only_file_a_message_is_sent_but_not_durable(
    own_server: ValkeyServer, message: DeleteInstance
) -> None:
    client = redis.Redis.from_url(own_server.url)
    client.config_set("appendonly", "no")
    with connect(own_server.url) as producer:
        with pytest.raises(NotDurable, match="Redis needs appendonly yes"):
            producer.send(message, durable=True)
        assert client.llen("dramatiq:instances") == 1
        producer.send(message)


def test_a_disk_that_is_too_slow_is_told(own_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    # The file is synchronised once a second: the second message within one cannot be there after 1 ms.
    monkeypatch.setattr(broker, "DURABLE_TIMEOUT_MS", 1)
    messages = (DeleteInstance(instance_id=uuid4()) for _ in range(1_000))
    with connect(own_server.url) as producer, pytest.raises(NotDurable, match=r"was not on disk within 0\.001 s"):
        consume(producer.send(message, durable=True) for message in messages)


def consume(results: Iterator[object]) -> None:
    """Run through an iterator for what it does."""
    for _ in results:
        pass
