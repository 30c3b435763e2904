"""Ports that go from hand to hand among the workers of a pool."""

from functools import partial
from random import Random
from uuid import UUID, uuid4

from producers import CreateInstance, DeleteInstance, Message, connect
from tests.acceptance.processes import started, wait_until
from tests.databases import TestDatabase

WAVES = 40
WAVE = 250
"""Wishes at once; the instances of the wave before are deleted meanwhile, so there are ports for some of them only."""

CREATES = WAVES * WAVE
USERS = 2_500
HOST = "crowded"

# The unique index would hide a double lease behind a refusal; without it only the lease itself keeps ports apart.
ONLY_THE_LEASE = """
DROP INDEX idx_mcp_instances_live_port;
CREATE TABLE hands (host_id text, port integer, old uuid, new uuid);
CREATE FUNCTION note_hand() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.hands VALUES (new.host_id, new.port, old.mcp_instance_id, new.mcp_instance_id);
    RETURN NULL;
END $$;
CREATE TRIGGER note_hand AFTER UPDATE OF mcp_instance_id ON port_allocations
    FOR EACH ROW EXECUTE FUNCTION note_hand();
INSERT INTO port_allocations (host_id, port) SELECT 'crowded', 3000 + n FROM generate_series(1, 100) n;
INSERT INTO users (id, email, name)
SELECT lpad(to_hex(n), 32, '0')::uuid, n || '@example.org', 'Ada' FROM generate_series(1000, 3499) n;
"""


def wish(number: int) -> CreateInstance:
    return CreateInstance(
        instance_id=uuid4(),
        user_id=UUID(int=1000 + number % USERS),
        mcp_type="figma",
        host_id=HOST,
        access_token_hash=uuid4().hex * 2,
    )


def test_ten_thousand_wishes_for_a_hundred_ports_never_lease_a_port_twice(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    test_database.ask(ONLY_THE_LEASE)
    random, before, sent = Random(7), list[CreateInstance](), 0
    with (
        connect(environment["REDIS_URL"]) as producer,
        started("-m", "workers", "--processes", "2", "--threads", "4", **environment) as pool,
    ):
        for wave in range(WAVES):
            wishes = [wish(wave * WAVE + number) for number in range(WAVE)]
            messages: list[Message] = [*wishes, *(DeleteInstance(instance_id=each.instance_id) for each in before)]
            random.shuffle(messages)
            sent += len(producer.send_many(messages))
            wait_until(partial(has_settled, test_database, sent), 60, lambda: pool.log)
            before = wishes
        assert pool.end() == 0
    assert test_database.value("SELECT count(*) FROM mcp_instances") == CREATES
    assert test_database.value("SELECT count(*) FROM dead_letters") == 0
    leases = int(str(test_database.value("SELECT count(*) FROM hands WHERE new IS NOT NULL")))
    assert CREATES // 4 < leases < CREATES
    assert test_database.ask("SELECT * FROM hands WHERE old IS NOT NULL AND new IS NOT NULL") == []
    assert test_database.value("SELECT count(DISTINCT new) FROM hands") == leases
    live = "SELECT assigned_port FROM mcp_instances WHERE is_active"
    ports = [port for (port,) in test_database.ask(live)]
    assert 0 < len(set(ports)) == len(ports) <= 100


def has_settled(database: TestDatabase, count: int) -> bool:
    return database.value("SELECT count(*) FROM inbox") == count
