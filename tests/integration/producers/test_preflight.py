"""A Redis is looked at before it is relied on."""

from collections.abc import Iterator

import pytest
import redis

from embedded.valkey import ValkeyServer
from producers import BrokerUnavailable
from producers.broker import address, redis_client
from producers.errors import UnsuitableRedis
from producers.preflight import check_redis


@pytest.fixture
def client(valkey_server: ValkeyServer) -> Iterator[redis.Redis]:
    with redis_client(valkey_server.url) as connected:
        before = connected.config_get("maxmemory-policy", "appendonly")
        yield connected
        for name, value in before.items():
            connected.config_set(name, value)


def test_a_redis_that_keeps_what_it_is_given_is_taken_without_a_word(client: redis.Redis) -> None:
    assert check_redis(client, "here") == []


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
def test_a_redis_that_may_drop_messages_is_refused(policy: str, client: redis.Redis) -> None:
    client.config_set("maxmemory-policy", policy)
    with pytest.raises(UnsuitableRedis, match=f"at here may drop messages .*{policy}.* noeviction"):
        check_redis(client, "here")


@pytest.mark.parametrize("policy", ["noeviction", "volatile-lru", "volatile-ttl"])
def test_a_policy_that_only_drops_what_expires_drops_no_message(policy: str, client: redis.Redis) -> None:
    client.config_set("maxmemory-policy", policy)
    assert check_redis(client, "here") == []


def test_a_redis_without_a_file_is_doubted(client: redis.Redis) -> None:
    client.config_set("appendonly", "no")
    assert check_redis(client, "here") == [
        "Redis at here keeps messages in memory only: set appendonly yes to keep them over a restart"
    ]


def test_an_old_redis_is_refused(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "info", lambda: {"redis_version": "6.2.14"})
    with pytest.raises(UnsuitableRedis, match=r"at here is version 6\.2\.14: use Redis 7, Valkey 8 or newer"):
        check_redis(client, "here")


def test_no_redis_at_all_is_told() -> None:
    url = "redis://:canary@127.0.0.1:1/0"
    with (
        redis_client(url) as nobody,
        pytest.raises(BrokerUnavailable, match=r"^Redis at 127\.0\.0\.1:1 cannot") as told,
    ):
        check_redis(nobody, address(url))
    assert "canary" not in str(told.value)
