"""Messages that leave one event each, and what has become of them."""

from typing import Final
from uuid import UUID, uuid4

from producers import CreateInstance, InstanceFailed, Message, connect
from tests.databases import TestDatabase

USER: Final = UUID(int=7)
READY: Final = "working with"
"""What a worker logs as soon as it takes messages."""


def create() -> CreateInstance:
    return CreateInstance(
        instance_id=uuid4(), user_id=USER, mcp_type="figma", access_token_hash=uuid4().hex * 2, access_token_hint="x"
    )


def failures(count: int, instance_id: UUID) -> list[Message]:
    return [InstanceFailed(instance_id=instance_id, error=f"failure {number}") for number in range(count)]


def applied(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(*) FROM inbox WHERE wire_name = 'instances.failed.v1'")))


def assert_exactly_once(database: TestDatabase, count: int) -> None:
    """Each message has one inbox row, and one event, whatever happened on the way."""
    assert applied(database) == count
    events = "SELECT count(*) FROM mcp_events WHERE event_type <> 'created'"
    assert database.value(events) == count
    assert database.value("SELECT count(*) FROM dead_letters") == 0


def prepare(database: TestDatabase, environment: dict[str, str], count: int) -> None:
    """Put messages on the queue for an instance that exists."""
    wanted = create()
    database.ask(
        "INSERT INTO mcp_instances (id, user_id, mcp_type_id, access_token_hash, access_url, expires_at)"
        " SELECT %s, %s, id, %s, 'http://localhost:1', now() + interval '1 hour' FROM mcp_types LIMIT 1",
        wanted.instance_id,
        USER,
        wanted.access_token_hash,
    )
    connect(environment["REDIS_URL"]).send_many(failures(count, wanted.instance_id))
