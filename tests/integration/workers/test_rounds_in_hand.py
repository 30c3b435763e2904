"""How much a process takes in hand."""

from contextlib import closing

from db.engine import Database
from tests.databases import TestDatabase
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings
from workers.rounds import Rounds


def test_checks_that_wait_for_their_second_take_no_place_from_others(
    database: Database, test_database: TestDatabase
) -> None:
    test_database.ask("UPDATE service_registry SET is_available = false")
    test_database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url, status)"
        " SELECT n, n, 'http://' || n || '.invalid/', 'active' FROM generate_series(1, 3) n"
    )
    with database.transaction() as uow:
        uow.targets.enter()
    test_database.ask("UPDATE health_targets SET next_check_at = now() + interval '0.9 seconds'")
    with closing(Prober(ProbeSettings(concurrency=2))) as prober:
        rounds = Rounds(database, prober)
        assert (rounds.claim(), rounds.claim()) == (3, 0)
        rounds.stop()
