"""The story, one act after the other: what happens to a small fleet of MCP servers, and what MiniMCP makes of it."""

import functools
from datetime import UTC, datetime, timedelta
from typing import Final

from producers import CheckHealth, HealthTarget

from . import crash, mistakes, report, ticks
from .cast import Cast
from .fleet import HOST, check_installed, work_with
from .narrator import Narrator, short
from .opening import DROP_PORTS, set_up
from .processes import StageProcess
from .stage import DemoFailed, Stage

_SILENCE: Final = timedelta(seconds=10)

_VERDICT: Final = """
    SELECT verdict, era, response_ms, error FROM health_checks
     WHERE target_id = %(instance)s AND scheduled_at = %(slot)s
"""
_STORED: Final = "SELECT count(*) FROM mcp_logs WHERE mcp_instance_id = ANY (%(instances)s)"
_EXPIRED: Final = """
    SELECT e.created_at, i.expires_at FROM mcp_events e JOIN mcp_instances i ON i.id = e.mcp_instance_id
     WHERE e.mcp_instance_id = %(instance)s AND e.event_type = 'expired'
"""


def tell(stage: Stage, narrator: Narrator) -> None:
    """Play every act; raise `DemoFailed` when one of them does not end as promised."""
    check_installed()
    cast = set_up(stage, narrator)
    lease_ports(cast)
    launch_servers(cast)
    probe_servers(cast)
    kill_a_server(cast)
    mistakes.send_bad_messages(cast)
    crash.kill_a_worker(cast)
    expire(cast)
    ticks.compare(cast)
    report.show(cast)
    close(cast)


def lease_ports(cast: Cast) -> None:
    """Wait for the workers to lease a port for every instance, and let one be deleted again."""
    cast.narrator.act("Instances", "Each gets a port that no other live instance of its host has, or says why not.")
    for name in cast.instances:
        state = cast.await_status(name, "pending")
        cast.narrator.say(f"{name}: {state.mcp_type} on {state.access_url}, until {state.expires_at:%H:%M:%S} UTC.")
    cast.schedulers = [cast.stage.run(f"scheduler {number}", "scheduler") for number in (1, 2)]
    cast.narrator.say("Two equal schedulers are starting; neither leads, both say when it is time.")
    cast.stage.producer.delete_instance(cast.instances["unwanted"], reason="Ada changed her mind")
    cast.await_status("unwanted", "disconnected")
    cast.narrator.say("unwanted: deleted again before it was started. Its port is free, its history stays.")


def launch_servers(cast: Cast) -> None:
    """Run two real MCP servers on the leased ports, use them, and ship what they print."""
    cast.narrator.act(
        "Two real MCP servers", "An agent outside MiniMCP runs them and reports: a fact, once sent, is applied once."
    )
    for name in ("sheets", "clock"):
        instance = cast.await_status(name, "pending")
        server = cast.agent.launch(instance)
        state = cast.await_status(name, "running")
        command = server.command[0].rpartition("/")[2]
        cast.narrator.say(f"{name}: {command} listens on port {state.port}, pid {state.process_id}; status running.")
        answers = work_with(server.url, instance.mcp_type)
        cast.narrator.say(f"{name}: Ada's client calls {len(answers)} tools. The last one has no answer, and says so:")
        cast.narrator.say(f"{name}: {short(answers[-1], 90)}")
    ship(cast)


def ship(cast: Cast) -> None:
    """Ship the lines that the servers have printed, and wait until they are stored."""
    owners = cast.ids(("sheets", "clock"))
    before = cast.stage.ask(_STORED, instances=owners)[0][0]
    sent = cast.agent.ship()
    if not sent:
        return
    cast.stage.await_(
        f"the storing of {sent} log lines", lambda: cast.stage.ask(_STORED, instances=owners)[0][0] == before + sent
    )
    cast.narrator.say(f"{sent} lines that the servers printed are in mcp_logs.")


def probe_servers(cast: Cast) -> None:
    """Have the workers ask both servers how they are, each in its own era of the protocol."""
    cast.narrator.act("Health", "A GET tells little about an MCP server: workers speak the protocol, in both its eras.")
    verdicts = {name: probe(cast, name) for name in ("sheets", "clock")}
    if {verdict for verdict, _ in verdicts.values()} != {"up"}:
        raise DemoFailed("a running server was not found up")
    eras = {name: era for name, (_, era) in verdicts.items()}
    cast.narrator.prove(f"both are up: sheets in the {eras['sheets']} era, clock in the {eras['clock']} era.")


def probe(cast: Cast, name: str) -> tuple[str, str | None]:
    """Ask for one check, wait for its slot in PostgreSQL, and give the verdict and the era."""
    state, slot = cast.known_state(name), datetime.now(UTC)
    target = HealthTarget(instance_id=state.id, url=f"{state.access_url}/mcp", scheduled_at=slot)
    cast.stage.producer.send(CheckHealth(targets=[target]))
    rows = cast.stage.await_(
        f"the check of {name}", lambda: cast.stage.ask(_VERDICT, instance=state.id, slot=slot) or None
    )
    verdict, era, response_ms, error = rows[0]
    details = f"{era} era, answered in {response_ms:.0f} ms" if response_ms is not None else str(error)
    cast.narrator.say(f"{name}: {verdict} ({details})")
    return verdict, era


def kill_a_server(cast: Cast) -> None:
    """Kill a server with its whole tree of processes, and see the verdict and the instance change."""
    cast.narrator.act("A server dies", "Users should hear it from the fleet, not the fleet from its users.")
    groups = cast.agent.kill(cast.instances["clock"])
    cast.narrator.say(
        f"clock is killed: {len(groups)} processes in {len(set(groups))} process groups,"
        " so a signal to its group alone would miss one."
    )
    verdict, _ = probe(cast, "clock")
    if verdict != "unreachable":
        raise DemoFailed(f"a dead server was found {verdict}")
    cast.narrator.prove("the verdict on clock changed from up to unreachable.")
    cast.agent.report_failure(cast.instances["clock"], "the process was killed (SIGKILL)")
    state = cast.await_status("clock", "error")
    cast.narrator.say(f"Its agent reports the failure: status error, port {state.port} is free again.")
    ship(cast)


def expire(cast: Cast) -> None:
    """Wait for the instance with one minute to be expired by a tick of the schedulers."""
    cast.narrator.act("Time is up", "Nobody has to remember an instance: the schedulers tick, the workers tidy up.")
    cast.narrator.say("trial was asked for one minute, the shortest time there is.")
    wait_for(cast, cast.known_state("trial").expires_at)
    cast.await_status("trial", "expired")
    ((expired_at, expires_at),) = cast.stage.ask(_EXPIRED, instance=cast.instances["trial"])
    late = (expired_at - expires_at).total_seconds()
    cast.narrator.prove(f"trial is expired, {late:.1f} s after its time; its port is free again.")
    verdict, _ = probe(cast, "sheets")
    if verdict != "up":
        raise DemoFailed(f"the server that nobody touched was found {verdict}")
    ship(cast)


def wait_for(cast: Cast, moment: datetime) -> None:
    """Wait for a moment, and say now and then how long it still takes."""
    while (left := (moment - datetime.now(UTC)).total_seconds()) > 0:
        cast.narrator.say(f"{left:.0f} s of it are left.")
        soon = min(moment, datetime.now(UTC) + _SILENCE)
        cast.stage.await_("the passing of time", functools.partial(_is_past, soon))


def close(cast: Cast) -> None:
    """Delete the last instance, and have the pool drain."""
    cast.narrator.act(
        "The end", "What is in hand is finished, what is not goes back to the bus, and every process ends."
    )
    cast.stage.producer.delete_instance(cast.instances["sheets"], reason="the demo is over")
    cast.await_status("sheets", "disconnected")
    cast.agent.stop()
    retire(cast, cast.pool)
    cast.stage.ask(DROP_PORTS, host=HOST)


def retire(cast: Cast, process: StageProcess) -> None:
    """Have a process finish on SIGTERM; it must end well."""
    if not cast.stage.retire(process):
        raise DemoFailed(f"the {process.name} did not end well after SIGTERM")
    cast.narrator.say(f"The {process.name} finished on SIGTERM.")


def _is_past(moment: datetime) -> bool:
    return datetime.now(UTC) >= moment
