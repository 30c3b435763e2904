"""The opening: servers, schema, workers, and the first wishes of a user."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from db import seeds
from embedded.ports import free_port

from .cast import Cast
from .fleet import HOST, Agent
from .narrator import Narrator
from .stage import Stage

PORTS_OF_THE_HOST: Final = 6
THREADS: Final = "4"

_ADD_TYPES: Final = """
    INSERT INTO mcp_types (name, display_name, server_script) VALUES
        ('spreadsheets', 'Spreadsheets', 'excel-mcp-server'), ('clock', 'Clock', 'mcp-proxy mcp-server-time')
    ON CONFLICT (name) DO NOTHING
"""
_ADD_PORTS: Final = """
    INSERT INTO port_allocations (host_id, port) SELECT %(host)s, unnest(%(ports)s::integer[]) ON CONFLICT DO NOTHING
"""
DROP_PORTS: Final = "DELETE FROM port_allocations WHERE host_id = %(host)s AND mcp_instance_id IS NULL"


def set_up(stage: Stage, narrator: Narrator) -> Cast:
    """Start the servers, the schema, the workers and the schedulers; ask for instances before any worker runs."""
    whose = "which you named" if stage.addresses.given else "from wheels, in a temporary folder"
    narrator.act(
        "The system starts", "Two servers, one schema, one pool of workers, two schedulers: nothing is mocked."
    )
    narrator.say(f"The demo plays on {stage.addresses}, {whose}.")
    stage.migrate()
    begun, user_id = datetime.now(UTC), uuid4()
    seeds.add_user(stage.addresses.admin_url, user_id=user_id, email=f"{user_id}@example.org", name="Ada")
    prepare_host(stage)
    narrator.say("The schema is at head; the workers have a login that may not change it, and there is a user, Ada.")
    instances = ask_for_instances(stage, user_id)
    narrator.say(f"Ada asked for {len(instances)} instances. No worker runs yet: the messages wait on the bus.")
    pool = stage.run("worker pool", "workers", "--processes", "2", "--threads", THREADS)
    narrator.say(f"A pool of 2 worker processes is starting (its master is pid {pool.pid}).")
    agent = Agent(stage.producer)
    stage.finally_do(agent.stop)
    return Cast(stage, narrator, agent, pool, user_id, instances, begun)


def prepare_host(stage: Stage) -> None:
    """Enter two types of server, and this machine as a host with a few free ports."""
    stage.ask(_ADD_TYPES)
    stage.ask(DROP_PORTS, host=HOST)
    stage.ask(_ADD_PORTS, host=HOST, ports=sorted({free_port() for _ in range(PORTS_OF_THE_HOST)}))


def ask_for_instances(stage: Stage, user_id: UUID) -> dict[str, UUID]:
    """Ask for four instances through the public client, as a back end would."""
    wishes = {"trial": ("figma", 1), "sheets": ("spreadsheets", 60), "clock": ("clock", 60), "unwanted": ("github", 30)}
    created = {
        name: stage.producer.create_instance(
            user_id=user_id, mcp_type=mcp_type, duration=timedelta(minutes=minutes), name=name, host_id=HOST
        )
        for name, (mcp_type, minutes) in wishes.items()
    }
    return {name: one.instance_id for name, one in created.items()}
