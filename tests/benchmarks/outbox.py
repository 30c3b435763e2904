"""The outbox: what sending from a table costs."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Final
from uuid import uuid4

from producers import InstanceAccessed
from producers.broker import RedisTransport, redis_client
from workers.broker import HardenedBroker
from workers.relay import Relay

from .comparison import in_turn
from .figures import Repetition, figure
from .stage import Stage

_ENTER: Final = """
SELECT enqueue_message('instances.accessed.v1', jsonb_build_object('instance_id', %s::text))
  FROM generate_series(1, %s)
"""


@figure(
    target=None,
    compares="one relay that takes 5,000 InstanceAccessed out of the outbox, sends them and notes it, against"
    " Producer.send_many of as many; messages per second of one thread",
)
def outbox_relay_vs_send_many(stage: Stage) -> Iterator[Repetition]:
    """Compare sending from the outbox with sending at once."""
    count, instance_id, user_id = stage.count(5_000), uuid4(), uuid4()
    stage.sql.execute("INSERT INTO users (id, email, name) VALUES (%s, 'outbox@example.org', 'Ada')", [user_id])
    with stage.database.worker() as database, closing(RedisTransport(stage.valkey.url)) as transport:
        relay = Relay(HardenedBroker(redis_client(stage.valkey.url)), database, transport)

        def relayed() -> float:
            stage.sql.execute("DELETE FROM outbox")
            stage.sql.execute("SELECT set_config('app.user_id', %s, false)", [str(user_id)])
            stage.sql.execute(_ENTER, [str(instance_id), count])
            started = time.perf_counter()
            relay.relay()
            return count / (time.perf_counter() - started)

        def sent() -> float:
            messages = [InstanceAccessed(instance_id=instance_id) for _ in range(count)]
            started = time.perf_counter()
            stage.producer.send_many(messages)
            return count / (time.perf_counter() - started)

        for repetition in in_turn(stage.repetitions(5), left=("relay_per_s", relayed), right=("send_many_per_s", sent)):
            stage.redis.flushall()
            yield repetition
    stage.sql.execute("DELETE FROM users WHERE id = %s", [user_id])
