"""Very many messages about one instance, whoever else waits."""

from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID, uuid4

from producers import DeleteInstance, InstanceAccessed, Message, RenewInstance, connect
from tests.acceptance.processes import started, wait_until
from tests.acceptance.traffic import USER
from tests.databases import TestDatabase

TOUCHES = 20_000
NEIGHBOURS = 20
TOUCHES_OF_A_NEIGHBOUR = 5

ENTER = """
INSERT INTO mcp_instances (id, user_id, mcp_type_id, host_id, status, access_token_hash, access_url, expires_at)
SELECT id, %s, (SELECT id FROM mcp_types LIMIT 1), 'host', 'running', replace(id::text, '-', '') || md5(id::text),
       'http://127.0.0.1:4000/', now() + interval '10 minutes' FROM unnest(%s::uuid[]) AS id
"""


def touches(instance_id: UUID, count: int, since: datetime) -> list[InstanceAccessed]:
    return [
        InstanceAccessed(instance_id=instance_id, occurred_at=since + timedelta(milliseconds=number))
        for number in range(count)
    ]


def test_very_many_touches_of_one_instance_keep_nobody_from_its_own(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    """In any order the newest touch counts, each is settled once, and what others ask for meanwhile is done."""
    popular, ended, *neighbours = (uuid4() for _ in range(NEIGHBOURS + 2))
    test_database.ask(ENTER, USER, [popular, ended, *neighbours])
    since = datetime.now(UTC) - timedelta(minutes=10)
    messages: list[Message] = list(touches(popular, TOUCHES, since))
    for each in neighbours:
        messages += touches(each, TOUCHES_OF_A_NEIGHBOUR, since)
    messages += [RenewInstance(instance_id=popular, duration_minutes=30), DeleteInstance(instance_id=ended)]
    Random(7).shuffle(messages)
    with (
        connect(environment["REDIS_URL"]) as producer,
        started("-m", "workers", "--processes", "2", "--threads", "4", **environment) as pool,
    ):
        producer.send_many(messages)
        wait_until(partial(has_settled, test_database, len(messages)), 100, lambda: pool.log)
        assert pool.end() == 0
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0
    assert last_accesses(test_database, [popular]) == {since + timedelta(milliseconds=TOUCHES - 1)}
    assert last_accesses(test_database, neighbours) == {since + timedelta(milliseconds=TOUCHES_OF_A_NEIGHBOUR - 1)}
    renewed = "SELECT expires_at > now() + interval '20 minutes' FROM mcp_instances WHERE id = %s"
    assert test_database.value(renewed, popular) is True
    assert test_database.value("SELECT deleted_at IS NOT NULL FROM mcp_instances WHERE id = %s", ended) is True


def last_accesses(database: TestDatabase, instance_ids: list[UUID]) -> set[object]:
    rows = database.ask("SELECT last_accessed FROM mcp_instances WHERE id = ANY (%s)", instance_ids)
    return {at for (at,) in rows}


def has_settled(database: TestDatabase, count: int) -> bool:
    return database.value("SELECT count(*) FROM inbox") == count
