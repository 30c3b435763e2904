"""The example in Node.js speaks the contract on the wire: our worker side reads what it writes."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from docs.examples import EXAMPLES
from embedded.valkey import ValkeyServer
from producers import CONTRACTS, CreateInstance, DeleteInstance, LogsEmitted, Message, StoreApiKey, Tick
from producers.envelope import seal
from tests.integration.bus.network import FaultyNetwork
from tests.unit.producers.sealed import SEALING, SECRET, public
from workers.delivery import Delivery

EXAMPLE = Path(__file__).parents[2] / "examples" / "nodejs"

NO_NODE = shutil.which("node") is None or shutil.which("npm") is None

pytestmark = pytest.mark.skipif(NO_NODE, reason="Node.js is not installed: node or npm is missing")

Node = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example as its README says, away from the checkout."""
    folder = tmp_path_factory.mktemp("nodejs") / "example"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules"))
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
    return folder


@pytest.fixture
def node(installed: Path, redis_url: str) -> Node:
    """Give a function that runs the example."""

    def run(
        *arguments: str, url: str = redis_url, stdin: str = "", exits: int = 0, sealing_key: str = ""
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["node", "producer.mjs", *arguments],
            cwd=installed,
            env={**os.environ, "REDIS_URL": url, "SEALING_KEY": sealing_key},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == exits, done.stderr
        return done

    return run


def received(redis_url: str, contract: type[Message]) -> list[Message]:
    """Read a queue as a worker does."""
    client = redis.Redis.from_url(redis_url)
    queue = contract.queue.value
    messages = []
    for message_id in client.lrange(f"dramatiq:{queue}", 0, -1):
        raw = client.hget(f"dramatiq:{queue}.msgs", message_id)
        assert isinstance(message_id, bytes)
        assert isinstance(raw, bytes)
        delivery = Delivery.unpack(queue, message_id.decode(), raw, 0)
        assert delivery.problem is None
        assert delivery.wire_name == contract.wire_name
        assert delivery.message_id == message_id.decode()
        messages.append(contract.received(delivery.payload, message_id=delivery.message_id))
    return messages


def test_it_asks_for_an_instance_and_only_the_hash_of_the_token_travels(node: Node, redis_url: str) -> None:
    user_id = uuid4()
    told = json.loads(node("create", "--user", str(user_id), "--type", "figma", "--minutes", "60").stdout)
    (message,) = received(redis_url, CreateInstance)
    assert isinstance(message, CreateInstance)
    assert message.message_id == UUID(told["message_id"])
    assert message.instance_id == UUID(told["instance_id"])
    assert (message.user_id, message.mcp_type, message.duration_minutes) == (user_id, "figma", 60)
    assert message.access_token_hint == told["access_token"][-4:]
    assert told["access_token"] not in message.model_dump_json()


@pytest.mark.parametrize("contract", [one for one in CONTRACTS.values() if not issubclass(one, Tick)])
def test_it_sends_every_message_of_the_contract(contract: type[Message], node: Node, redis_url: str) -> None:
    payload: dict[str, Any] = json.loads(seal(EXAMPLES[contract]))["args"][0]
    told = json.loads(node("send", contract.wire_name, json.dumps(payload)).stdout)
    (message,) = received(redis_url, contract)
    assert message.message_id == UUID(told["message_id"])
    assert message.model_copy(update={"message_id": EXAMPLES[contract].message_id}) == EXAMPLES[contract]


def test_it_seals_a_key_that_a_worker_opens(node: Node, redis_url: str) -> None:
    user_id, arguments = uuid4(), ("store-key", "--type", "figma", "--user")
    node(*arguments, str(user_id).upper(), stdin=f"{SECRET}\n", sealing_key=public())
    (message,) = received(redis_url, StoreApiKey)
    assert isinstance(message, StoreApiKey)
    assert (message.user_id, message.mcp_type) == (user_id, "figma")
    assert SECRET not in message.model_dump_json()
    assert SEALING.open(message) == SECRET
    refused = node(*arguments, str(user_id), stdin=SECRET, sealing_key=SECRET, exits=1)
    assert "SEALING_KEY is no public sealing key" in refused.stderr
    assert SECRET not in refused.stderr


def test_it_ships_lines_in_batches_that_fit(node: Node, redis_url: str) -> None:
    instance_id = uuid4()
    lines = [f"line {number} of a café 🦊" for number in range(2_500)] + ["ж" * 60_000] * 20
    assert json.loads(node("logs", str(instance_id), stdin="\n".join(lines)).stdout) == {"lines": 2_520}
    batches = received(redis_url, LogsEmitted)
    shipped = [line for batch in batches if isinstance(batch, LogsEmitted) for line in batch.lines]
    assert [line.message for line in shipped] == lines
    assert {line.instance_id for line in shipped} == {instance_id}
    assert len(batches) == 5


def test_a_lost_reply_makes_no_second_message(node: Node, valkey_server: ValkeyServer, redis_url: str) -> None:
    with FaultyNetwork(valkey_server.port) as network:
        network.lose_reply_to(b"EXEC")
        payload = json.dumps({"instance_id": str(uuid4())})
        node("send", "instances.delete.v1", payload, url=network.url)
        assert network.lost_replies == 1
    assert len({message.message_id for message in received(redis_url, DeleteInstance)}) == 1


def test_what_cannot_be_sent_is_one_sentence(node: Node, redis_url: str) -> None:
    payload = json.dumps({"instance_id": str(uuid4())})
    with full(redis_url):
        assert "OOM" in node("send", "instances.delete.v1", payload, exits=1).stderr
    assert received(redis_url, DeleteInstance) == []
    assert "error: say what to do" in node("receive", exits=1).stderr
    assert "the queues are" in node("send", "nonsense.said.v1", "{}", exits=1).stderr
    assert "JSON" in node("send", "instances.delete.v1", payload[:-1], exits=1).stderr


@contextmanager
def full(redis_url: str) -> Iterator[None]:
    """Let Redis be out of memory."""
    client = redis.Redis.from_url(redis_url)
    client.config_set("maxmemory", "1")
    try:
        yield
    finally:
        client.config_set("maxmemory", "0")
