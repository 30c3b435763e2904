"""Looks at Redis before anybody relies on it."""

import time
from typing import Any, Final

import redis
from redis.exceptions import RedisError

from .errors import BrokerUnavailable, UnsuitableRedis

OLDEST_MAJOR: Final = 7
CLOCK_SECONDS: Final = 60


def check_redis(client: redis.Redis, address: str) -> list[str]:
    """Raise when this Redis must not carry messages; give sentences on what is allowed but unwise."""
    untyped: Any = client  # redis-py does not type its options
    try:
        info: dict[str, Any] = untyped.info()
    except (RedisError, OSError, UnicodeError) as error:
        message = f"Redis at {address} cannot be reached ({error}): check REDIS_URL and the server"
        raise BrokerUnavailable(message) from error
    _check_version(info, address)
    _check_eviction(info, address)
    _check_clock(client, address)
    return _doubts(info, address)


def _check_version(info: dict[str, Any], address: str) -> None:
    version = str(info.get("redis_version", "0"))
    if int(version.partition(".")[0]) < OLDEST_MAJOR:
        message = f"Redis at {address} is version {version}: use Redis 7, Valkey 8 or newer"
        raise UnsuitableRedis(message)


def _check_eviction(info: dict[str, Any], address: str) -> None:
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy.startswith("allkeys"):
        message = (
            f"Redis at {address} may drop messages when its memory is full (maxmemory-policy {policy}):"
            " set maxmemory-policy noeviction"
        )
        raise UnsuitableRedis(message)


def _check_clock(client: redis.Redis, address: str) -> None:
    seconds, microseconds = client.time()
    ahead = time.time() - seconds - microseconds / 1e6
    if abs(ahead) > CLOCK_SECONDS:
        message = (
            f"the clock of this machine is {ahead:+.0f} s from that of Redis at {address}: set both by NTP,"
            " since the age of messages is told by them"
        )
        raise UnsuitableRedis(message)


def _doubts(info: dict[str, Any], address: str) -> list[str]:
    if int(info.get("aof_enabled", 0)):
        return []
    return [f"Redis at {address} keeps messages in memory only: set appendonly yes to keep them over a restart"]
