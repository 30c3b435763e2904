"""Messages that wait for others than the database leave room for those that do not."""

import threading
from uuid import uuid4

from producers import DeleteInstance, InstanceAccessed, connect
from tests.integration.bus.pool import WIRE_NAME, Notes, worker
from tests.integration.bus.test_broker_faults import assert_nothing_left
from workers.delivery import Delivery

SLOW, FAST, THREADS = 6, 20, 3


def test_slow_messages_never_hold_all_threads_and_all_of_them_are_done(redis_url: str) -> None:
    messages = [
        *(DeleteInstance(instance_id=uuid4()) for _ in range(SLOW)),
        *(InstanceAccessed(instance_id=uuid4()) for _ in range(FAST)),
    ]
    sent = [str(message_id) for message_id in connect(redis_url).send_many(messages)]
    others_done, in_hand, counts = threading.Semaphore(0), list[str](), list[int]()

    def act(delivery: Delivery) -> None:
        if delivery.wire_name != WIRE_NAME:
            others_done.release()
            return
        in_hand.append(delivery.message_id)
        counts.append(len(in_hand))
        # The first two go on only when every other message is done, however many threads these two take.
        if delivery.message_id in sent[:2]:
            assert all(others_done.acquire(timeout=10) for _ in range(FAST // 2))
        in_hand.remove(delivery.message_id)

    notes = Notes(act)
    with worker(redis_url, notes, threads=THREADS, slow={WIRE_NAME}, most_slow=THREADS - 1):
        notes.wait_for(SLOW + FAST)
    assert notes.deliveries == dict.fromkeys(sent, 1)
    assert max(counts) == THREADS - 1
    assert_nothing_left(redis_url)
