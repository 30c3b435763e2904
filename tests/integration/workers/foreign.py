"""A producer that nobody of us wrote: what it puts into Redis, no contract has seen."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import redis

from producers import LogsEmitted
from producers import message_id as ids


class ForeignProducer:
    """Sends lines of one instance as any language could."""

    def __init__(self, url: str, instance_id: UUID) -> None:
        self._client: redis.Redis = redis.Redis.from_url(url)
        self._instance_id = instance_id

    def line(self, **fields: object) -> dict[str, Any]:
        """Make a good line, but for these fields."""
        now = datetime.now(UTC).isoformat()
        return {"instance_id": str(self._instance_id), "timestamp": now, "message": "listening"} | fields

    def send(self, *lines: object) -> UUID:
        """Send a batch of whatever it is."""
        return self.send_payload(json.dumps({"lines": lines}).encode())

    def send_payload(self, payload: bytes, **options: object) -> UUID:
        """Send JSON, or what is said to be JSON."""
        message_id = ids.new()
        self.push(envelope(message_id, payload, **options))
        return message_id

    def push(self, *raw: bytes) -> None:
        """Put envelopes into the queue at once, each as an entry of its own."""
        entries = {str(uuid4()): each for each in raw}
        with self._client.pipeline(transaction=True) as pipeline:
            for redis_id, each in entries.items():
                pipeline.hset("dramatiq:logs.msgs", redis_id, each)
                pipeline.rpush("dramatiq:logs", redis_id)
            pipeline.execute()

    def left(self) -> Sequence[object]:
        """Name what is not done."""
        return self._client.hkeys("dramatiq:logs.msgs")


def envelope(message_id: UUID, payload: bytes, **options: object) -> bytes:
    """Put an envelope around a payload without a look into it."""
    frame = {
        "queue_name": "logs",
        "actor_name": LogsEmitted.wire_name,
        "kwargs": {},
        "options": options,
        "message_id": str(message_id),
        "message_timestamp": ids.milliseconds(message_id),
    }
    return json.dumps(frame)[:-1].encode() + b',"args":[' + payload + b"]}"
