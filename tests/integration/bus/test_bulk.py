"""Messages of those who send more than their share keep no more than half of the threads from the others."""

import threading
from uuid import uuid4

from producers import LogsEmitted, connect
from tests.databases import TestDatabase
from tests.integration.bus.test_broker_faults import assert_nothing_left
from tests.unit.producers.samples import batch, line
from workers.actor import actor
from workers.app import running
from workers.settings import WorkerSettings

BULK, THREADS = 12, 4


def test_bulk_never_holds_all_threads_and_all_of_it_is_applied(test_database: TestDatabase, redis_url: str) -> None:
    noisy, quiet = uuid4(), uuid4()
    quiet_done, all_done = threading.Event(), threading.Semaphore(0)
    in_hand, most = list[int](), list[int]()

    @actor(LogsEmitted)
    def note(message: LogsEmitted, uow: object) -> None:
        del uow
        if message.lines[0].instance_id == quiet:
            quiet_done.set()
            return
        in_hand.append(1)
        most.append(len(in_hand))
        assert quiet_done.wait(20), "a thread is free for the quiet one although bulk waits"
        in_hand.pop()
        all_done.release()

    settings = WorkerSettings(
        redis_url=redis_url, database=test_database.settings(), threads=THREADS, queues=frozenset({"logs"})
    )
    with connect(redis_url, share_per_second=0.1) as producer, running(settings, [note]):
        producer.send_many([batch(line(instance_id=noisy)) for _ in range(BULK)])
        producer.send(batch(line(instance_id=quiet)))
        for _ in range(BULK):
            assert all_done.acquire(timeout=20)
    assert max(most) <= THREADS // 2 + 1, "one came before the share was used up"
    assert_nothing_left(redis_url)
