"""Messages that nobody can apply, and where they end."""

import json
from collections.abc import Mapping
from typing import Final
from uuid import uuid4

from producers import InstanceStarted, LogLine, LogsEmitted
from producers import message_id as ids
from producers.broker import RedisTransport, Sealed

from .cast import Cast

_DEAD: Final = "SELECT reason FROM dead_letters WHERE created_at >= %(begun)s ORDER BY reason"
_PARKED: Final = "SELECT count(*) FROM redeliveries WHERE message_id = %(message)s AND state = 'parked'"
_QUARANTINED: Final = "SELECT count(*) FROM log_quarantine WHERE mcp_instance_id = %(instance)s"


def send_bad_messages(cast: Cast) -> None:
    """Send what other services send on a bad day; each ends as a row that says why."""
    cast.narrator.act("Bad messages", "None is lost, none is tried for ever, and none keeps its neighbours waiting.")
    letters = send_hopeless(cast)
    newer = sealed("instances.renew.v2", {"minutes": 5})
    stray = uuid4()
    enqueue(cast, newer)
    cast.stage.producer.send(LogsEmitted(lines=[LogLine(instance_id=stray, timestamp=cast.begun, message="who am I?")]))
    reasons = cast.stage.await_("the burial of the bad messages", lambda: _reasons(cast, letters))
    cast.narrator.prove(f"{letters} hopeless messages are dead letters: {', '.join(reasons)}.")
    cast.stage.await_("the parking", lambda: cast.stage.ask(_PARKED, message=newer[1])[0][0])
    cast.narrator.prove("a message of a newer release is parked until a worker knows it: deploy in any order.")
    cast.stage.await_("the quarantine", lambda: cast.stage.ask(_QUARANTINED, instance=stray)[0][0])
    cast.narrator.prove("a log line of an unknown instance is in quarantine; the rest of its batch would be stored.")


def send_hopeless(cast: Cast) -> int:
    """Send messages that will never be applied; says how many."""
    producer = cast.stage.producer
    enqueue(cast, ("instances", str(ids.new()), b'{"args": [{"password": "letmein"'))
    enqueue(cast, sealed("instances.delete.v1", {"instance_id": "the big one", "api_key": "sk-demo-1234567890abcdef"}))
    producer.create_instance(user_id=uuid4(), mcp_type="figma")
    producer.send(InstanceStarted(instance_id=uuid4(), process_id=1, process_started_at=cast.begun))
    return 4


def sealed(wire_name: str, payload: Mapping[str, object]) -> Sealed:
    """Write an envelope by hand, as a producer in another language does."""
    message_id = str(ids.new())
    envelope = {
        "queue_name": "instances",
        "actor_name": wire_name,
        "args": [dict(payload)],
        "kwargs": {},
        "options": {"redis_message_id": message_id},
        "message_id": message_id,
        "message_timestamp": 0,
    }
    return "instances", message_id, json.dumps(envelope).encode()


def enqueue(cast: Cast, message: Sealed) -> None:
    """Put a message on the bus past every check of the client."""
    transport = RedisTransport(cast.stage.addresses.redis_url)
    transport.enqueue([message], durable=False)
    transport.close()


def _reasons(cast: Cast, expected: int) -> list[str] | None:
    reasons = [row[0] for row in cast.stage.ask(_DEAD, begun=cast.begun)]
    return reasons if len(reasons) >= expected else None
