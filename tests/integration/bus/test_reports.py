"""What is done is told to Redis soon, also when no message comes with whose fetch it could be told."""

from uuid import uuid4

import pytest

from producers import DeleteInstance, connect
from producers.broker import redis_client
from tests.integration.bus.pool import QUEUE
from workers.broker import HardenedBroker


def test_what_is_done_while_redis_is_told_of_others_is_told_at_once_too(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(redis_url).send_many(DeleteInstance(instance_id=uuid4()) for _ in range(2))
    broker = HardenedBroker(redis_client(redis_url))
    broker.declare_queue(QUEUE)
    (first, _), (second, _) = broker.exchange(QUEUE, room=2)
    ledger = broker.ledger(QUEUE)
    told = broker._exchange

    def telling(*, keys: list[str], args: list[str | int | bytes]) -> object:
        ledger.settle([second])
        return told(keys=keys, args=args)

    monkeypatch.setattr(broker, "_exchange", telling)
    ledger.settle([first])
    broker.report_settled()
    assert broker.settled.is_set()
