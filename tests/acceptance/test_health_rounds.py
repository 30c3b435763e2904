"""Workers that are killed in the middle of checks leave no target behind."""

import time
from datetime import timedelta

import pytest

from tests.acceptance.processes import started, wait_until
from tests.acceptance.traffic import READY, USER
from tests.databases import TestDatabase
from tests.integration.probes.raw_server import RawServer, hanging

INTERVAL = 5
TARGETS = 40

ENTER = """
WITH born AS (
    INSERT INTO mcp_instances (user_id, mcp_type_id, host_id, status, access_token_hash, assigned_port, access_url,
                               expires_at)
    SELECT %s, (SELECT id FROM mcp_types LIMIT 1), 'host-' || n, 'running', lpad(to_hex(n), 64, '0'), 4000,
           rtrim(%s, '/') || '/' || n, now() + interval '1 hour' FROM generate_series(1, %s) n RETURNING id
)
INSERT INTO health_targets (id, kind, mcp_instance_id, interval_seconds, timeout_seconds, jitter_seconds,
                            failure_threshold, next_check_at)
SELECT id, 'instance', id, %s, 2, 0.5, 1000, now() + random() * interval '5 seconds' FROM born
"""
LONGEST_WAIT = """
SELECT max(gap) FROM (
    SELECT checked_at - lag(checked_at) OVER (PARTITION BY target_id ORDER BY scheduled_at) AS gap FROM health_checks
    UNION ALL
    SELECT now() - max(checked_at) FROM health_checks GROUP BY target_id
) waits
"""

# A slot is one row, so one that was counted twice or not at all is seen in the hour of its target.
COUNTED_OTHERWISE = """
SELECT target_id, hour, h.checks, c.checks
  FROM health_hours h
  FULL JOIN (SELECT target_id, date_trunc('hour', scheduled_at, 'UTC') AS hour, count(*) AS checks
               FROM health_checks GROUP BY 1, 2) c USING (target_id, hour)
 WHERE h.checks IS DISTINCT FROM c.checks
"""


@pytest.mark.slow
def test_a_killed_worker_leaves_no_slot_uncounted_and_no_target_waiting(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    with (
        RawServer(hanging) as silent,
        started("-m", "workers", "--processes", "2", "--threads", "2", **environment) as pool,
    ):
        wait_until(lambda: pool.log.count(READY) == 2, 60, lambda: pool.log)
        test_database.ask(ENTER, USER, silent.url, TARGETS, INTERVAL)
        wait_until(lambda: checked(test_database) == TARGETS, 20, lambda: pool.log)
        in_hand = (
            "SELECT count(*) FROM health_targets WHERE claimed_by = (SELECT id FROM probers WHERE process_id = %s)"
        )
        victim = pool.children()[0]
        wait_until(lambda: int(str(test_database.value(in_hand, victim.pid))) >= TARGETS // 10, 20, lambda: pool.log)
        victim.kill()
        assert test_database.value(in_hand, victim.pid) != 0
        time.sleep(2 * INTERVAL + 10)
        waited = test_database.value(LONGEST_WAIT)
        assert isinstance(waited, timedelta)
        assert waited < timedelta(seconds=INTERVAL + 10)
        assert pool.end() == 0
    assert checked(test_database) == TARGETS
    assert test_database.ask(COUNTED_OTHERWISE) == []
    assert test_database.value("SELECT count(*) FROM probers WHERE seen_at > now() - interval '6 seconds'") == 0


def checked(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(DISTINCT target_id) FROM health_checks")))
