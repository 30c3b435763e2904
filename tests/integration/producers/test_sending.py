"""What stands in Redis after a send, and what it takes to get there."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
import redis

from docs.examples import EXAMPLES
from embedded.valkey import ValkeyServer
from producers import CONTRACTS, DeleteInstance, Message, PartitionsDue, broker, connect
from producers.envelope import seal
from tests.integration.producers.exchanges import CountedExchanges
from tests.unit.producers.samples import batch, line


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as connected:
        yield connected


def deletions(count: int) -> list[DeleteInstance]:
    return [DeleteInstance(instance_id=uuid4()) for _ in range(count)]


def waiting(client: redis.Redis, queue: str = "instances") -> list[str]:
    return [str(message_id) for message_id in client.lrange(f"dramatiq:{queue}", 0, -1)]


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_a_message_lies_where_dramatiq_looks_for_it(
    contract: type[Message], redis_url: str, client: redis.Redis
) -> None:
    message = EXAMPLES[contract]
    with connect(redis_url) as producer:
        assert producer.send(message) == message.message_id
    assert waiting(client, contract.queue.value) == [str(message.message_id)]
    assert client.hgetall(f"dramatiq:{contract.queue}.msgs") == {str(message.message_id): seal(message).decode()}


def test_many_messages_keep_their_order_on_each_queue(redis_url: str, client: redis.Redis) -> None:
    wanted, lines = deletions(3), [batch(line()) for _ in range(2)]
    with connect(redis_url) as producer:
        producer.send_many([wanted[0], lines[0], wanted[1], lines[1], wanted[2]])
    assert waiting(client) == [str(message.message_id) for message in wanted]
    assert waiting(client, "logs") == [str(message.message_id) for message in lines]


def test_a_thousand_messages_take_one_round_trip(valkey_server: ValkeyServer, redis_url: str) -> None:
    with CountedExchanges(valkey_server.port) as network, connect(network.url) as producer:
        producer.send(deletions(1)[0])
        before = network.count
        producer.send_many(deletions(1_000))
        assert network.count - before == 1
        producer.send_many(deletions(10), durable=True)
        assert network.count - before == 2
    assert redis.Redis.from_url(redis_url).llen("dramatiq:instances") == 1_011


def test_a_list_over_the_limit_of_a_transaction_is_sent_in_several(
    redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "_MOST_MESSAGES", 40)
    before = executed(client, "exec")
    with connect(redis_url) as producer:
        message_ids = producer.send_many(deletions(100))
    assert executed(client, "exec") - before == 3
    assert waiting(client) == [str(message_id) for message_id in message_ids]


def executed(client: redis.Redis, command: str) -> int:
    stats: dict[str, dict[str, int]] = client.info("commandstats")
    return stats.get(f"cmdstat_{command}", {}).get("calls", 0)


def test_threads_share_a_producer(redis_url: str, client: redis.Redis) -> None:
    with connect(redis_url) as producer, ThreadPoolExecutor(8) as threads:
        sent: set[UUID] = set(threads.map(producer.send, deletions(200)))
    assert {UUID(message_id) for message_id in waiting(client)} == sent
    assert client.hlen("dramatiq:instances.msgs") == 200


def test_the_same_message_sent_twice_is_one_message(redis_url: str, client: redis.Redis) -> None:
    (message,) = deletions(1)
    with connect(redis_url) as producer:
        producer.send(message)
        producer.send(message)
    assert set(waiting(client)) == {str(message.message_id)}
    assert client.hlen("dramatiq:instances.msgs") == 1


def test_two_schedulers_send_the_same_message(redis_url: str, client: redis.Redis) -> None:
    tick = EXAMPLES[PartitionsDue]
    assert isinstance(tick, PartitionsDue)
    for _ in range(2):
        with connect(redis_url) as producer:
            producer.send(PartitionsDue.at(tick.fire_time))
    assert client.hkeys("dramatiq:maintenance.msgs") == [str(tick.message_id)]


def test_nothing_of_a_token_is_in_redis(redis_url: str, client: redis.Redis) -> None:
    with connect(redis_url) as producer:
        created = producer.create_instance(user_id=uuid4(), mcp_type="figma")
    (envelope,) = client.hvals("dramatiq:instances.msgs")
    assert created.access_token not in str(envelope)
    assert str(created.instance_id) in str(envelope)
