"""A check goes from the bus over the wire to a real server and back into the database."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from embedded.ports import free_port
from producers import CheckHealth, HealthReport, HealthReported, HealthTarget, Verdict, connect
from tests.acceptance.processes import wait_until
from tests.databases import TestDatabase
from tests.integration.workers.deliveries import create, delivered
from tests.mcp_servers import programs
from tests.mcp_servers.running import RunningServer
from workers.app import running
from workers.applier import Applier
from workers.probes.addresses import Policy
from workers.probes.settings import ProbeSettings
from workers.settings import WorkerSettings

pytestmark = pytest.mark.usefixtures("user")

SLOT = datetime.now(UTC).replace(microsecond=0)


def check(instance_id: UUID, server: RunningServer, slot: datetime) -> CheckHealth:
    target = HealthTarget(instance_id=instance_id, url=server.url, timeout_seconds=5, scheduled_at=slot)
    return CheckHealth(targets=[target])


def health(database: TestDatabase) -> list[tuple[object, ...]]:
    return database.ask("SELECT verdict, consecutive_failures, era FROM health_targets")


def test_a_server_that_is_killed_changes_its_verdict(redis_url: str, test_database: TestDatabase) -> None:
    wanted = create()
    probes = ProbeSettings(policy=Policy.parse("127.0.0.0/8"))
    settings = WorkerSettings(redis_url=redis_url, database=test_database.settings(), threads=2, probes=probes)
    with running(settings), connect(redis_url) as producer, programs.modern(free_port()) as server:
        producer.send(wanted)
        wait_until(lambda: test_database.value("SELECT count(*) FROM mcp_instances") == 1, 20)
        producer.send(check(wanted.instance_id, server, SLOT))
        wait_until(lambda: bool(health(test_database)), 20)
        assert health(test_database) == [("up", 0, "modern")]
        server.kill()
        producer.send_many(check(wanted.instance_id, server, SLOT + timedelta(seconds=30 * n)) for n in (1, 2))
        wait_until(lambda: test_database.value("SELECT count(*) FROM health_checks") == 3, 20)
        ((verdict, failures, _),) = health(test_database)
    assert (verdict, failures) == ("unreachable", 2)


def report(instance_id: UUID, slot: datetime, verdict: Verdict) -> HealthReported:
    found = HealthReport(instance_id=instance_id, scheduled_at=slot, checked_at=slot, verdict=verdict)
    return HealthReported(reports=[found])


def test_the_newest_slot_wins_and_a_slot_counts_once(applier: Applier, test_database: TestDatabase) -> None:
    wanted = create()
    applier(delivered(wanted))
    later = report(wanted.instance_id, SLOT + timedelta(seconds=60), Verdict.TIMEOUT)
    for message in (
        later,
        report(wanted.instance_id, SLOT + timedelta(seconds=60), Verdict.TIMEOUT),
        report(wanted.instance_id, SLOT, Verdict.UP),
    ):
        applier(delivered(message))
    assert health(test_database) == [("timeout", 1, None)]
    assert test_database.value("SELECT count(*) FROM health_checks") == 2


def test_reports_about_services_and_servers_take_the_same_path(applier: Applier, test_database: TestDatabase) -> None:
    test_database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url) VALUES ('tickets', 'tickets', 'https://t.example/')"
    )
    subjects: tuple[dict[str, Any], ...] = (
        {"service_type": "figma"},
        {"server_id": "tickets"},
        {"server_id": "gone"},
        {"service_type": "gone"},
    )
    for number in range(3):
        slot = SLOT + timedelta(seconds=30 * number)
        found = {"scheduled_at": slot, "checked_at": slot, "verdict": Verdict.TIMEOUT, "error": "Too slow."}
        reports = [HealthReport.model_validate({**subject, **found}) for subject in subjects]
        applier(delivered(HealthReported(reports=reports)))
    assert health(test_database) == [("timeout", 3, None)] * 2
    assert test_database.ask("SELECT health_status FROM gateway.mcp_servers") == [("UNHEALTHY",)]
    rows = test_database.ask(
        "SELECT is_healthy, consecutive_failures FROM service_health_dashboard WHERE service_type = 'figma'"
    )
    assert rows == [(False, 3)]
    alerts = test_database.ask("SELECT name FROM gateway.performance_alerts WHERE is_triggered ORDER BY name")
    assert alerts == [("health of server tickets",), ("health of service figma",)]
