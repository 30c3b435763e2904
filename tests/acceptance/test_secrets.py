"""No secret stays where it does not belong, searched for by a canary in every place there is."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from embedded.valkey import ValkeyServer
from producers import CreateInstance, KeyValidated, StoreApiKey, connect
from producers import message_id as ids
from producers.envelope import seal
from producers.sealing import UNSEALED
from tests.acceptance.processes import started, wait_until
from tests.databases import TestDatabase
from tests.integration.db.vaults import a_key
from workers.sealing import SealingKeys, new_private_key

USER = UUID(int=7)
IN_CONFIG = "canary1in5the8config"
IN_MESSAGE = "canary2in6a9bad3message"
STORED = "canary4a7stored2key-5c1e"
END = "the-end-of-the-test"


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "valkey") as server:
        yield server


def bad_messages() -> Iterator[tuple[str, bytes]]:
    """Make messages that the workers give up, each with a canary under the name of a secret."""
    valid = CreateInstance(
        instance_id=uuid4(), user_id=USER, mcp_type="fax", access_token_hash="a" * 64, config={"password": IN_MESSAGE}
    )
    for change in ({}, {"access_token": IN_MESSAGE}, {"user_id": 7}, {"config": {"args": ["--token", IN_MESSAGE]}}):
        envelope = json.loads(seal(valid)) | {"message_id": str(ids.new())}
        envelope["args"][0] |= {"instance_id": str(uuid4()), **change}
        yield envelope["message_id"], json.dumps(envelope).encode()
    yield str(ids.new()), f'{{"api_key": "{IN_MESSAGE}", "broken'.encode()


def test_a_secret_is_found_only_where_its_sender_put_it(
    test_database: TestDatabase, own_valkey: ValkeyServer, tmp_path: Path
) -> None:
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    environment = {"DATABASE_URL": test_database.worker_url, "REDIS_URL": own_valkey.url, "TMPDIR": str(tmp_path)}
    client = redis.Redis.from_url(own_valkey.url)
    bad = list(bad_messages())
    with started("-m", "workers", **environment) as worker, connect(own_valkey.url) as producer:
        wanted = producer.create_instance(user_id=USER, mcp_type="figma", config={"figma": {"api_key": IN_CONFIG}})
        for message_id, raw in bad:
            client.hset("dramatiq:instances.msgs", message_id, raw)
            client.rpush("dramatiq:instances", message_id)
        wait_until(lambda: letters(test_database) == len(bad), 60, lambda: worker.log)
        wait_until(lambda: test_database.value("SELECT count(*) FROM mcp_instances") == 1, 60, lambda: worker.log)
        wait_until(lambda: client.hlen("dramatiq:instances.msgs") == 0, 60, lambda: worker.log)
        canaries = (IN_CONFIG, IN_MESSAGE, wanted.access_token)
        # What travels is on the disk of Redis for a while: it shows that the search below finds what is there.
        assert found(canaries[:2], on_disk(own_valkey)) == set(canaries[:2])
        rewrite(client)
        assert found(canaries, on_disk(own_valkey)) == set()
        assert found(canaries, dump(client)) == set()
        assert worker.end() == 0
        assert found(canaries, worker.log) == set()
    assert found(canaries, rows(test_database)) == set()
    assert found(canaries, str(test_database.value("SELECT config FROM mcp_instances"))) == {IN_CONFIG}


def test_a_key_that_a_user_stores_is_found_nowhere(
    test_database: TestDatabase, own_valkey: ValkeyServer, tmp_path: Path
) -> None:
    test_database.ask("INSERT INTO users (id, email, name) VALUES (%s, 'ada@example.org', 'Ada')", USER)
    master, pepper, private = a_key(1), a_key(2), new_private_key()
    canaries = (STORED, base64.b64encode(STORED.encode()).decode(), master, pepper, private)
    (public,) = SealingKeys.parse(f"2026-11:{private}").public()
    environment = {
        "DATABASE_URL": test_database.worker_url,
        "REDIS_URL": own_valkey.url,
        "TMPDIR": str(tmp_path),
        "MASTER_KEYS": f"2026-11:{master}",
        "SEALING_KEYS": f"2026-11:{private}",
        "KEY_PEPPER": pepper,
    }
    client = redis.Redis.from_url(own_valkey.url)
    with (
        monitored(own_valkey) as heard,
        started("-m", "workers", **environment) as worker,
        connect(own_valkey.url, sealing_key=public.text) as producer,
    ):
        producer.store_api_key(user_id=USER, mcp_type="figma", api_key=STORED, durable=True)
        # Of nobody, and for a pair that nobody has: given up, and come again.
        producer.store_api_key(user_id=UUID(int=8), mcp_type="figma", api_key=STORED)
        (foreign,) = SealingKeys.parse(f"2025-01:{new_private_key()}").public()
        wish = StoreApiKey(user_id=USER, mcp_type="figma", sealed_key=UNSEALED)
        producer.send(wish.sealed(STORED, foreign))
        wait_until(lambda: test_database.value("SELECT count(*) FROM api_keys") == 1, 60, lambda: worker.log)
        # On a busy machine the second letter may be there already; until then the message waits in the database.
        wait_until(lambda: letters(test_database) >= 1, 60, lambda: worker.log)
        assert found(canaries, rows(test_database) + dump(client)) == set()
        wait_until(lambda: letters(test_database) == 2, 60, lambda: worker.log)
        producer.send(KeyValidated(user_id=USER, service_type="figma", is_valid=True))
        wait_until(lambda: test_database.value("SELECT count(*) FROM api_key_validation_cache") == 1, 60)
        producer.provision_service(user_id=USER, service_type="figma", api_key=STORED)
        shares = "SELECT count(*) FROM user_service_instances WHERE encrypted_api_key IS NOT NULL"
        wait_until(lambda: test_database.value(shares) == 1, 60, lambda: worker.log)
        assert found(canaries, on_disk(own_valkey)) == set()
        assert found(canaries, dump(client)) == set()
        client.echo(END)
        wait_until(lambda: END in "".join(heard), 10)
        assert found(canaries, worker.log) == set()
        assert worker.end() == 0
        assert found(canaries, worker.log) == set()
    # The search finds what is there: the sealed key was heard, and its message is on the disk.
    assert wish.wire_name in "".join(heard)
    assert wish.wire_name in on_disk(own_valkey)
    assert found(canaries, "".join(heard)) == set()
    assert found(canaries, rows(test_database)) == set()
    assert test_database.ask("SELECT reason FROM dead_letters ORDER BY created_at") == [
        ("unknown-user",),
        ("sealed-for-another",),
    ]


@contextmanager
def monitored(server: ValkeyServer) -> Iterator[list[str]]:
    """Listen to every command that the server is sent, until it is sent the end."""
    heard: list[str] = []
    client: Any = redis.Redis.from_url(server.url)  # redis-py does not type what it monitors
    with client.monitor() as monitor:

        def listen() -> None:
            for command in monitor.listen():
                heard.append(command["command"])
                if END in command["command"]:
                    return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        yield heard
        listener.join(10)


def letters(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(*) FROM dead_letters")))


def found(canaries: tuple[str, ...], text: str) -> set[str]:
    """Give the canaries that are in a text, as they are or in the hex of bytes."""
    return {canary for canary in canaries if canary in text or canary.encode().hex() in text}


def on_disk(server: ValkeyServer) -> str:
    """Give all that Valkey has written, its own log too."""
    files = (path for path in server.data_dir.rglob("*") if path.is_file())
    return "".join(path.read_bytes().decode("latin-1") for path in files)


def rewrite(client: redis.Redis) -> None:
    """Have Valkey write its append-only file anew, from what it still knows."""
    client.bgrewriteaof()
    wait_until(lambda: not (persistence(client)["aof_rewrite_in_progress"] or scheduled(client)), 30)
    # The old files are removed in the background.
    time.sleep(1)


def persistence(client: redis.Redis) -> dict[str, Any]:
    return client.info("persistence")


def scheduled(client: redis.Redis) -> bool:
    return bool(persistence(client)["aof_rewrite_scheduled"])


def dump(client: redis.Redis) -> str:
    """Give all keys and values, whatever their type."""
    return "\n".join(f"{key!r} {value(client, key)!r}" for key in client.scan_iter())


def value(client: redis.Redis, key: bytes) -> object:
    read: dict[object, Callable[[], object]] = {
        b"string": lambda: client.get(key),
        b"hash": lambda: client.hgetall(key),
        b"list": lambda: client.lrange(key, 0, -1),
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
        b"stream": lambda: client.xrange(key),
    }
    return read[client.type(key)]()


def rows(database: TestDatabase) -> str:
    """Give all rows of all tables, but for the column that callers put their own words into."""
    selects = database.ask(
        "SELECT format('SELECT to_jsonb(t) - %L FROM %I.%I t',"
        " CASE tablename WHEN 'mcp_instances' THEN 'config' ELSE '' END, schemaname, tablename)"
        " FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    assert len(selects) > 20
    return "\n".join(str(row) for (select,) in selects for row in database.ask(str(select)))
