"""Faults under which plain Dramatiq loses, strands or doubles messages; here none may."""

import threading
import time
from collections import Counter
from typing import cast
from uuid import uuid4

import pytest
import redis

from embedded.valkey import ValkeyServer
from producers import DeleteInstance, Producer, connect
from producers.broker import redis_client
from producers.errors import BrokerFull
from tests.integration.bus.network import FaultyNetwork
from tests.integration.bus.pool import QUEUE, Notes, worker
from workers.broker import HardenedBroker
from workers.delivery import Delivery


def send(producer: Producer, count: int) -> set[str]:
    messages = [DeleteInstance(instance_id=uuid4()) for _ in range(count)]
    return {str(message_id) for message_id in producer.send_many(messages)}


def assert_nothing_left(url: str) -> None:
    client = redis.Redis.from_url(url, decode_responses=True)
    deadline = time.monotonic() + 5
    while left := [key for key in map(str, client.keys("dramatiq:*")) if "dramatiq:__" not in key or "acks" in key]:
        assert time.monotonic() < deadline, f"left in Redis: {left}"
        time.sleep(0.05)


def test_messages_whose_fetch_reply_was_lost_are_fetched_again(valkey_server: ValkeyServer, redis_url: str) -> None:
    sent = send(connect(redis_url), 10)
    notes = Notes()
    # Redis knows the script already, so the request whose reply is lost does fetch.
    HardenedBroker(redis_client(redis_url)).exchange("another queue", room=0)
    with FaultyNetwork(valkey_server.port) as network:
        # The key of the queue itself: the first command that names it is the fetch.
        network.lose_reply_to(f"\r\ndramatiq:{QUEUE}\r\n".encode())
        with worker(network.url, notes):
            notes.wait_for(10)
        assert network.lost_replies == 1
    assert notes.deliveries == Counter(sent)
    assert_nothing_left(redis_url)


def test_a_message_whose_actor_fails_while_redis_is_away_is_delivered_again(
    valkey_server: ValkeyServer, redis_url: str
) -> None:
    (sent,) = send(connect(redis_url), 1)
    failed = threading.Event()
    with FaultyNetwork(valkey_server.port) as network:

        def act(_: Delivery) -> None:
            if not failed.is_set():
                failed.set()
                network.cut()
                message = "the database is away too"
                raise RuntimeError(message)

        notes = Notes(act)
        with worker(network.url, notes):
            assert failed.wait(5)
            time.sleep(0.5)
            network.mend()
            notes.wait_for(1)
    assert notes.deliveries == Counter([sent])
    assert_nothing_left(redis_url)


def test_acknowledgements_survive_an_outage_of_redis(valkey_server: ValkeyServer, redis_url: str) -> None:
    sent = send(connect(redis_url), 20)
    with FaultyNetwork(valkey_server.port) as network:
        notes = Notes(lambda _: network.cut())
        with worker(network.url, notes, threads=1):
            notes.wait_for(20)
            network.mend()
            assert_nothing_left(redis_url)
    assert notes.deliveries == Counter(sent)


def test_a_demoted_primary_stops_nothing_for_good(valkey_server: ValkeyServer, redis_url: str) -> None:
    client = valkey_server_client(valkey_server)
    notes = Notes(lambda _: time.sleep(0.2))
    sent = send(connect(redis_url), 10)
    with worker(redis_url, notes):
        notes.wait_for(2)
        client.replicaof("127.0.0.1", 1)
        time.sleep(2)
        client.replicaof("NO", "ONE")
        sent |= send(connect(redis_url), 10)
        notes.wait_for(20)
    assert notes.deliveries == Counter(sent)
    assert_nothing_left(redis_url)


def test_a_full_redis_refuses_new_messages_and_is_drained(valkey_server: ValkeyServer, redis_url: str) -> None:
    client = valkey_server_client(valkey_server)
    producer = connect(redis_url)
    sent = send(producer, 50)
    client.config_set("maxmemory", "1mb")
    try:
        with pytest.raises(BrokerFull, match="memory limit"):
            send(producer, 1)
        notes = Notes()
        with worker(redis_url, notes) as broker:
            notes.wait_for(50)
            broker.beat()
        assert notes.deliveries == Counter(sent)
        assert_nothing_left(redis_url)
    finally:
        client.config_set("maxmemory", "0")


def test_a_worker_with_full_hands_keeps_its_heart_beating(redis_url: str) -> None:
    (sent,) = send(connect(redis_url), 1)
    notes = Notes(lambda _: time.sleep(3))
    other = HardenedBroker(redis_client(redis_url), silence_ms=1_500)
    with worker(redis_url, notes, threads=1, window=1, silence_ms=1_500):
        recovered = 0
        while not notes.deliveries:
            recovered += sum(other.recover().values())
            time.sleep(0.1)
    assert recovered == 0
    assert notes.deliveries == Counter([sent])


def test_a_clock_that_is_ahead_kills_no_worker(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (sent,) = send(connect(redis_url), 1)
    notes = Notes(lambda _: time.sleep(1))
    with worker(redis_url, notes):
        ahead = time.time() + 61
        monkeypatch.setattr(time, "time", lambda: ahead)
        assert HardenedBroker(redis_client(redis_url)).recover() == {}
        notes.wait_for(1)
    assert notes.deliveries == Counter([sent])


def test_an_envelope_that_cannot_be_read_is_delivered_as_such_and_its_neighbours_too(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.hset(f"dramatiq:{QUEUE}.msgs", "poison", b"{not json")
    client.rpush(f"dramatiq:{QUEUE}", "poison")
    sent = send(connect(redis_url), 7)
    notes = Notes()
    with worker(redis_url, notes):
        notes.wait_for(8)
    assert notes.deliveries == Counter(sent | {"poison"})
    assert len(notes.problems) == 1
    assert_nothing_left(redis_url)


def test_a_slow_actor_is_never_interrupted(redis_url: str) -> None:
    """A time limit that strikes after the commit would make one message three effects."""
    (sent,) = send(connect(redis_url), 1)
    notes = Notes(lambda _: time.sleep(2))
    with worker(redis_url, notes) as broker:
        notes.wait_for(1)
        assert [type(middleware).__name__ for middleware in broker.middleware] == ["HandBack", "_WorkerMiddleware"]
    assert notes.deliveries == Counter([sent])


def test_a_stopped_worker_gives_back_what_it_did_not_begin(redis_url: str) -> None:
    sent = send(connect(redis_url), 200)
    begun = Notes(lambda _: time.sleep(0.02))
    with worker(redis_url, begun, threads=2):
        begun.wait_for(5)
    rest = Notes()
    with worker(redis_url, rest):
        rest.wait_for(200 - len(begun.deliveries))
    assert begun.deliveries + rest.deliveries == Counter(sent)
    assert_nothing_left(redis_url)


def test_messages_of_a_silent_worker_are_counted_and_delivered_again(redis_url: str) -> None:
    sent = send(connect(redis_url), 5)
    dead = HardenedBroker(redis_client(redis_url), silence_ms=300)
    dead.declare_queue(QUEUE)
    dead.beat()
    assert len(dead.exchange(QUEUE, room=10)) == 5
    janitor = HardenedBroker(redis_client(redis_url), silence_ms=300)
    assert recovered(janitor) == {dead.worker_id: 5}
    again = janitor.exchange(QUEUE, room=10)
    assert {delivery.message_id for _, delivery in again} == sent
    assert {delivery.earlier for _, delivery in again} == {1}


def test_a_fetch_ends_with_the_message_that_fills_the_room_in_bytes(redis_url: str) -> None:
    send(connect(redis_url), 5)
    broker = HardenedBroker(redis_client(redis_url))
    broker.declare_queue(QUEUE)
    ((_, first),) = broker.exchange(QUEUE, room=10, most_bytes=1)
    assert len(broker.exchange(QUEUE, room=10, most_bytes=len(first.raw) + 1)) == 2
    assert len(broker.exchange(QUEUE, room=10)) == 2


def test_a_compressed_message_counts_as_what_will_become_of_it(redis_url: str) -> None:
    producer = connect(redis_url, compress_from=0)
    producer.send_many(DeleteInstance(instance_id=uuid4(), reason="x" * 2_000) for _ in range(5))
    assert max(map(len, redis_client(redis_url).hvals(f"dramatiq:{QUEUE}.msgs"))) < 1_000
    broker = HardenedBroker(redis_client(redis_url))
    broker.declare_queue(QUEUE)
    fetched = broker.exchange(QUEUE, room=10, most_bytes=3_000)
    assert [len(cast("dict[str, str]", delivery.payload)["reason"]) for _, delivery in fetched] == [2_000, 2_000]
    assert broker.ledger(QUEUE)._bytes == sum(len(delivery.raw) for _, delivery in fetched) > 4_000


def test_the_late_acknowledgement_of_a_worker_found_dead_settles_nothing(redis_url: str) -> None:
    send(connect(redis_url), 1)
    dead = HardenedBroker(redis_client(redis_url), silence_ms=200)
    dead.declare_queue(QUEUE)
    dead.beat()
    ((redis_id, _),) = dead.exchange(QUEUE, room=1)
    heir = HardenedBroker(redis_client(redis_url), silence_ms=200)
    assert recovered(heir) == {dead.worker_id: 1}
    dead.ledger(QUEUE).settle([redis_id])
    dead.report_settled()
    assert len(heir.exchange(QUEUE, room=1)) == 1


def recovered(janitor: HardenedBroker) -> dict[str, int]:
    """Look again and again, as a janitor does, until somebody is found dead."""
    deadline = time.monotonic() + 5
    while not (found := janitor.recover()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_workers_that_nobody_could_hear_are_not_dead(redis_url: str) -> None:
    """An outage of Redis silences all workers; the first to come back must not bury the others."""
    send(connect(redis_url), 3)
    mute = HardenedBroker(redis_client(redis_url), silence_ms=400)
    mute.declare_queue(QUEUE)
    mute.beat()
    mute.exchange(QUEUE, room=3)
    janitor = HardenedBroker(redis_client(redis_url), silence_ms=400)
    janitor.recover()
    time.sleep(0.6)
    assert janitor.recover() == {}
    mute.beat()
    time.sleep(0.1)
    assert janitor.recover() == {}


@pytest.mark.parametrize(
    "envelope",
    [
        b'{"message_id": "x", "actor_name": "y", "args": [{}], "options": [1]}',
        b'{"message_id": "x", "actor_name": "y", "args": [{}], "options": {"eta": 1e30}}',
        b'{"message_id": "x", "actor_name": "y", "args": [{}], "options": {"attempts": Infinity}}',
        "\ufeff{}".encode(),
        '{"message_id": "x"}'.encode("utf-16"),
        b"[" * 100_000,
        b"\xff\xfe",
        b"",
    ],
)
def test_no_envelope_keeps_the_messages_beside_it(envelope: bytes, redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    client.hset(f"dramatiq:{QUEUE}.msgs", b"\xffid", envelope)
    client.rpush(f"dramatiq:{QUEUE}", b"\xffid")
    sent = send(connect(redis_url), 70)
    notes = Notes()
    with worker(redis_url, notes):
        notes.wait_for(71)
    assert sent < set(notes.deliveries)
    assert_nothing_left(redis_url)


def test_a_worker_that_stops_takes_no_new_messages(redis_url: str) -> None:
    send(connect(redis_url), 1)
    begun = threading.Event()

    def act(_: Delivery) -> None:
        begun.set()
        time.sleep(2)

    with worker(redis_url, Notes(act), threads=1) as broker:
        assert begun.wait(5)
        broker.stopping.set()
        time.sleep(1.5)
        send(connect(redis_url), 20)
        time.sleep(0.3)
        assert redis.Redis.from_url(redis_url).llen(f"dramatiq:{QUEUE}") == 20


def valkey_server_client(server: ValkeyServer) -> redis.Redis:
    return redis.Redis(port=server.port)
