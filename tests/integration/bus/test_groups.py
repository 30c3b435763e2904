"""Groups on the bus: what is done is acknowledged and what is not comes again, whatever came together."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest

from producers import DeleteInstance, connect
from tests.integration.bus.pool import QUEUE, WIRE_NAME, Notes, worker
from tests.integration.bus.test_broker_faults import assert_nothing_left
from workers.applier import HandedBackError
from workers.delivery import Delivery
from workers.grouping import MOST, Fetched, Grouping

TOGETHER = Grouping({WIRE_NAME: "small"}, threads=1)


def send(url: str, count: int) -> list[str]:
    messages = [DeleteInstance(instance_id=uuid4()) for _ in range(count)]
    return [str(message_id) for message_id in connect(url).send_many(messages)]


def test_messages_that_wait_come_in_groups_and_are_acknowledged(redis_url: str) -> None:
    sent = send(redis_url, MOST + 8)
    notes = Notes()
    with worker(redis_url, notes, threads=1, window=2 * MOST, grouping=TOGETHER):
        notes.wait_for(MOST + 8)
    assert notes.deliveries == dict.fromkeys(sent, 1)
    assert notes.sizes == {MOST: 1, 8: 1}
    assert_nothing_left(redis_url)


def test_only_what_was_not_done_comes_again(redis_url: str) -> None:
    sent = send(redis_url, 10)
    tries: list[str] = []

    def fail_once(delivery: Delivery) -> None:
        tries.append(delivery.message_id)
        if delivery.message_id == sent[6] and tries.count(sent[6]) == 1:
            raise HandedBackError

    notes = Notes(fail_once)
    with worker(redis_url, notes, threads=1, grouping=TOGETHER):
        notes.wait_for(10)
    assert notes.deliveries == dict.fromkeys(sent, 1)
    assert tries == [*sent[:7], *tries[7:]]
    assert sorted(tries[7:]) == sorted(sent[6:])
    assert_nothing_left(redis_url)


def test_all_of_a_group_comes_again_when_nobody_knows_what_was_done(redis_url: str) -> None:
    sent = send(redis_url, 4)
    tries: list[str] = []

    def fail_once(delivery: Delivery) -> None:
        tries.append(delivery.message_id)
        if len(tries) == 3:
            error = "out of the blue"
            raise RuntimeError(error)

    notes = Notes(fail_once)
    with worker(redis_url, notes, threads=1, grouping=TOGETHER):
        notes.wait_for(4)
    assert sorted(tries[3:]) == sorted(sent)
    assert_nothing_left(redis_url)


@pytest.mark.filterwarnings("ignore")
def test_a_fault_right_after_a_fetch_strands_nothing(redis_url: str) -> None:
    sent = send(redis_url, 10)

    class Breaking(Grouping):
        broken = False

        def split(self, fetched: Sequence[Fetched]) -> Iterator[list[Fetched]]:
            if fetched and not Breaking.broken:
                Breaking.broken = True
                raise MemoryError
            return super().split(fetched)

    notes = Notes()
    with worker(redis_url, notes, threads=1, grouping=Breaking({QUEUE: "small"})):
        notes.wait_for(10, seconds=30)
    assert Breaking.broken
    assert notes.deliveries == dict.fromkeys(sent, 1)
    assert_nothing_left(redis_url)
