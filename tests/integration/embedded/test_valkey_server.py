"""The embedded Valkey, started for real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from embedded import ServerNotStarted, ValkeyServer, server


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "valkey", config={"hz": "50"}) as running:
        yield running


@pytest.fixture
def client(valkey: ValkeyServer) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(valkey.url, decode_responses=True) as connected:
        yield connected


def test_it_forgets_nothing_by_policy_and_takes_the_config_asked_for(client: redis.Redis) -> None:
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("save") == {"save": ""}
    assert client.config_get("hz") == {"hz": "50"}
    assert client.config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_data_and_port_stay_however_it_ends(valkey: ValkeyServer, client: redis.Redis, end: str) -> None:
    port = valkey.port
    client.rpush("queue", "message")
    # Told to be on disk, so that the kill finds it there.
    assert client.waitaof(1, 0, 5000)[0] == 1
    getattr(valkey, end)()
    assert not valkey.running
    valkey.start()
    assert valkey.port == port
    assert client.lrange("queue", 0, -1) == ["message"]


def test_two_servers_never_share_their_data(valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.1)
    with pytest.raises(ServerNotStarted, match="stop it first"):
        ValkeyServer(valkey.data_dir).start()


def test_a_wrong_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerNotStarted, match="no-such-option"):
        ValkeyServer(tmp_path / "valkey", config={"no-such-option": "1"}).start()


def test_other_accounts_cannot_read_the_messages(valkey: ValkeyServer) -> None:
    assert not valkey.data_dir.stat().st_mode & 0o077
