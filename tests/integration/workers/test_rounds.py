"""Checks go their rounds by themselves: from a target that is due to its verdict, its alert and its consequence."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from uuid import UUID

import psutil
import pytest

from db.engine import Database
from db.repositories.instances import Process
from embedded.ports import free_port
from producers import InstanceDisconnected, InstanceReconnected
from tests.databases import TestDatabase
from tests.integration.db.given import NOW, Given
from tests.integration.probes.test_mcp_servers import switch
from tests.integration.workers.bus import RecordingTransport
from tests.mcp_servers import programs
from tests.mcp_servers.running import RunningServer
from workers.janitor import Janitor
from workers.probes.addresses import Policy
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings
from workers.rounds import Rounds

Check = Callable[[], str]
HOST = "localhost"


@pytest.fixture(scope="module")
def prober() -> Iterator[Prober]:
    prober = Prober(ProbeSettings(policy=Policy.parse("127.0.0.0/8")))
    yield prober
    prober.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with programs.modern(free_port()) as server:
        yield server


@pytest.fixture
def given(test_database: TestDatabase) -> Given:
    test_database.ask("UPDATE service_registry SET is_available = false")
    return Given(test_database)


@pytest.fixture
def rounds(database: Database, prober: Prober) -> Rounds:
    return Rounds(database, prober, host_id=HOST)


@pytest.fixture
def check(database: Database, given: Given, rounds: Rounds) -> Check:
    """Have everything checked now, and give the verdict of the only target that is no process."""

    def check_all() -> str:
        with database.transaction() as uow:
            uow.targets.enter()
            uow.targets.follow()
        given.database.ask("UPDATE health_targets SET next_check_at = now() WHERE next_check_at IS NOT NULL")
        claimed = rounds.claim()
        deadline = time.monotonic() + 20
        while claimed > 0:
            claimed -= rounds.record()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return str(given.database.value("SELECT max(verdict) FROM health_targets WHERE kind <> 'process'"))

    return check_all


def an_instance(database: Database, given: Given, port: int, process_id: int = 4711) -> UUID:
    given.database.ask(
        "INSERT INTO port_allocations (host_id, port) VALUES (%s, %s) ON CONFLICT DO NOTHING", HOST, port
    )
    instance_id = given.an_instance(database, host_id=HOST)
    begun = datetime.fromtimestamp(psutil.Process(process_id).create_time(), UTC) if process_id != 4711 else NOW
    with database.transaction() as uow:
        assert uow.instances.start(instance_id, process=Process(HOST, process_id, begun), at=datetime.now(UTC))
    return instance_id


def a_server(given: Given, url: str) -> None:
    given.database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url, status, timeout_ms)"
        " VALUES ('server', 'server', %s, 'active', 2000)",
        url,
    )


def sent(given: Given) -> list[str]:
    return [str(name) for (name,) in given.database.ask("SELECT wire_name FROM redeliveries ORDER BY created_at")]


def alert(given: Given) -> tuple[object, ...]:
    rows = given.database.ask(
        "SELECT is_triggered, trigger_count, acknowledged_at IS NOT NULL, resolved_at IS NOT NULL"
        " FROM gateway.performance_alerts"
    )
    return rows[0] if len(rows) == 1 else tuple(rows)


def test_a_server_of_the_gateway_is_checked_and_what_it_offers_is_kept(
    given: Given, check: Check, server: RunningServer
) -> None:
    a_server(given, server.url)
    given.database.ask(
        "INSERT INTO gateway.server_tools (server_id, name) VALUES ('server', 'subtract');"
        "INSERT INTO gateway.server_resources (server_id, uri_template) VALUES ('server', 'file:///gone')"
    )
    assert check() == "up"
    ((status, metadata),) = given.database.ask("SELECT health_status, health_metadata FROM gateway.mcp_servers")
    assert (status, metadata["verdict"], metadata["era"]) == ("HEALTHY", "up", "modern")  # type: ignore[index]  # JSON
    tools = given.database.ask("SELECT name, description, tool_schema ->> 'type' FROM gateway.server_tools")
    assert tools == [("add", "Add two numbers.", "object")]
    offered = "SELECT uri_template, name, description, mime_type FROM gateway.server_resources"
    assert given.database.ask(offered) == [("ledger://sums", "sums", "All sums so far.", "text/plain")]
    assert given.database.ask("SELECT * FROM get_server_health_summary()")[0][:3] == (1, 1, 0)


def test_what_did_not_change_is_not_written_again(given: Given, check: Check, server: RunningServer) -> None:
    a_server(given, server.url)
    check()
    before = given.database.ask("SELECT xmin, id FROM gateway.server_tools")
    given.database.ask("UPDATE health_targets SET listed_at = NULL")
    check()
    assert given.database.ask("SELECT xmin, id FROM gateway.server_tools") == before


def test_a_server_that_lost_its_tools_is_told_from_one_that_never_had_any(
    given: Given, check: Check, server: RunningServer
) -> None:
    a_server(given, server.url)
    switch(server, "no_tools")
    assert check() == "up"
    switch(server, "none")
    given.database.ask("UPDATE health_targets SET listed_at = NULL")
    assert check() == "up"
    switch(server, "no_tools")
    given.database.ask("UPDATE health_targets SET listed_at = NULL")
    assert check() == "tools_missing"
    assert given.database.value("SELECT count(*) FROM gateway.server_tools") == 1
    assert check() == "tools_missing"
    switch(server, "none")
    assert check() == "up"


def test_an_instance_that_fails_is_disconnected_and_comes_back_by_messages(
    database: Database, given: Given, check: Check
) -> None:
    port = free_port()
    instance_id = an_instance(database, given, port)
    given.database.ask("UPDATE mcp_instances SET process_id = NULL")
    with programs.modern(port) as server:
        assert check() == "up"
        server.kill()
        assert [check(), check(), check()] == ["unreachable"] * 3
    assert sent(given) == [InstanceDisconnected.wire_name]
    assert alert(given) == (True, 1, False, False)
    with database.transaction() as uow:
        uow.instances.disconnect(instance_id, reason="checks", at=datetime.now(UTC))
    with programs.modern(port):
        assert [check(), check()] == ["up", "up"]
    assert sent(given) == [InstanceDisconnected.wire_name, InstanceReconnected.wire_name]
    assert alert(given) == (False, 1, False, True)
    with database.transaction() as uow:
        assert uow.instances.reconnect(instance_id, at=datetime.now(UTC))
    assert given.database.value("SELECT status FROM mcp_instances") == "running"
    assert given.database.value("SELECT mcp_instance_id FROM port_allocations WHERE port = %s", port) == instance_id


def test_a_flapping_server_opens_one_alert_and_no_more(given: Given, check: Check, server: RunningServer) -> None:
    a_server(given, server.url)
    assert check() == "up"
    given.database.ask("UPDATE health_targets SET failure_threshold = 1")
    for _ in range(4):
        switch(server, "http_500")
        assert check() == "protocol_error"
        switch(server, "none")
        assert check() == "up"
    assert alert(given) == (True, 1, False, False)
    assert given.database.value("SELECT health_status FROM gateway.mcp_servers") == "UNHEALTHY"


def test_the_message_of_a_turn_is_sent_by_the_janitor(database: Database, given: Given, check: Check) -> None:
    instance_id = an_instance(database, given, free_port())
    given.database.ask("UPDATE mcp_instances SET process_id = NULL")
    for _ in range(3):
        check()
    transport = RecordingTransport()
    Janitor(_LackingBroker(), database, transport, []).relay()  # type: ignore[arg-type]  # only asked what it lacks
    ((queue, _, envelope),) = transport.sealed
    assert queue == "instances"
    assert str(instance_id) in envelope.decode()
    assert "3 checks in a row failed" in envelope.decode()


class _LackingBroker:
    def lacks(self, messages: Sequence[tuple[str, str]]) -> list[bool]:
        return [True for _ in messages]


def test_a_process_that_is_a_zombie_disconnects_its_instance_at_once(
    database: Database, given: Given, check: Check, rounds: Rounds, server: RunningServer
) -> None:
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    an_instance(database, given, server.port, child)
    with database.transaction() as uow:
        uow.probers.beat(rounds.id, host_id=HOST, hostname="here", process_id=1)
    assert check() == "up"
    assert sent(given) == []
    os.kill(child, 9)
    time.sleep(0.1)
    assert check() == "up"
    os.waitpid(child, 0)
    assert sent(given) == [InstanceDisconnected.wire_name]
    said = given.database.value("SELECT error FROM health_targets WHERE kind = 'process'")
    assert "zombie" in str(said)


def test_a_registered_url_does_not_reach_private_addresses(database: Database, given: Given) -> None:
    with programs.modern(free_port()) as server:
        a_server(given, server.url)
        prober = Prober()
        rounds = Rounds(database, prober)
        with database.transaction() as uow:
            uow.targets.enter()
        given.database.ask("UPDATE health_targets SET next_check_at = now()")
        assert rounds.claim() == 1
        while not rounds.record():
            time.sleep(0.01)
        prober.close()
        asked = [line.text for line in server.lines() if "POST" in line.text]
    ((verdict, error),) = given.database.ask("SELECT verdict, error FROM health_targets")
    assert verdict == "unreachable"
    assert "PROBE_NETWORKS" in str(error)
    assert asked == []


def test_uptime_and_dashboard_of_a_service_come_from_its_checks(
    given: Given, check: Check, server: RunningServer
) -> None:
    given.database.ask(
        "UPDATE service_registry SET is_available = true, base_url = %s WHERE service_type = 'figma'",
        server.url.removesuffix("/mcp"),
    )
    assert check() == "up"
    switch(server, "http_500")
    assert check() == "protocol_error"
    switch(server, "none")
    rows = given.database.ask(
        "SELECT is_healthy, consecutive_failures, uptime_percentage FROM service_health_dashboard"
        " WHERE service_type = 'figma'"
    )
    assert [(healthy, failures, float(str(uptime))) for healthy, failures, uptime in rows] == [(True, 1, 50.0)]


def test_a_worker_whose_clock_is_an_hour_off_tells_the_time_of_the_database(
    given: Given, check: Check, server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Ahead":
            return cls.fromtimestamp((datetime.now(tz) + timedelta(hours=1)).timestamp(), tz)

    monkeypatch.setattr("workers.rounds.datetime", Ahead)
    monkeypatch.setattr("workers.probes.finding.datetime", Ahead)
    a_server(given, server.url)
    assert check() == "up"
    ((late, waits),) = given.database.ask("SELECT checked_at - now(), next_check_at - now() FROM health_targets")
    assert isinstance(late, timedelta)
    assert isinstance(waits, timedelta)
    assert timedelta(seconds=-10) < late <= timedelta(seconds=0.5)
    assert timedelta(seconds=10) < waits < timedelta(seconds=31)


def test_what_was_found_when_the_process_stops_is_recorded_and_the_rest_is_left_to_others(
    given: Given, check: Check, rounds: Rounds, server: RunningServer
) -> None:
    a_server(given, server.url)
    check()
    rounds.stop()
    assert given.database.value("SELECT count(*) FROM probers") == 0
    waits = given.database.value("SELECT next_check_at - now() FROM health_targets")
    assert isinstance(waits, timedelta)
    assert waits > timedelta(seconds=20)
