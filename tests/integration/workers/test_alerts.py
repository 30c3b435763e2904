"""Limits that samples break open alerts by themselves, and close them again."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

import pytest

from db.engine import Database
from db.repositories.alerts import _FOLLOW_METRICS, Turn
from producers import AlertsDue, MetricSample, MetricsSampled
from tests.databases import TestDatabase
from workers.applier import Applier

from .deliveries import delivered

NOW: Final = datetime.now(UTC)
STATE: Final = "SELECT is_triggered, trigger_count, resolved_at IS NULL FROM gateway.performance_alerts WHERE name = %s"


@pytest.fixture(autouse=True)
def _servers(test_database: TestDatabase) -> None:
    test_database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url) VALUES ('mails', 'm', 'http://m'), ('maps', 'p', 'http://p')"
    )


def _rule(own: TestDatabase, fields: Mapping[str, object] = MappingProxyType({}), name: str = "slow") -> None:
    usual: Mapping[str, object] = {
        "server_id": "mails",
        "metric_name": "response_time_ms",
        "threshold_value": 100,
        "comparison_operator": ">",
        "duration_minutes": 5,
    }
    values = {"name": name, **usual, **fields}
    own.ask(
        "INSERT INTO gateway.performance_alerts (name, server_id, metric_name, threshold_value, comparison_operator,"
        " duration_minutes) VALUES (%s, %s, %s, %s, %s, %s)",
        *values.values(),
    )


def _sampled(
    applier: Applier,
    told: Mapping[float, float],
    server_id: str = "mails",
    fields: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Have a server say how long it took, by minutes ago."""
    applier(
        delivered(
            MetricsSampled(
                samples=[
                    MetricSample.model_validate(
                        {
                            "server_id": server_id,
                            "sampled_at": NOW - timedelta(minutes=minutes),
                            "response_time_ms": took,
                            **fields,
                        }
                    )
                    for minutes, took in told.items()
                ]
            )
        )
    )


def _follow(database: Database) -> list[Turn]:
    with database.transaction() as uow:
        return uow.alerts.follow_metrics()


def test_a_limit_that_is_broken_for_long_enough_opens_its_alert_and_the_first_good_sample_resolves_it(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _rule(test_database)
    _sampled(applier, {9: 50, 4: 200, 3: 300})
    assert _follow(database) == []
    _sampled(applier, {-2: 250})
    assert _follow(database) == [Turn("mails: slow", "response_time_ms > 100 for 5 min; mails says 250", is_news=True)]
    assert _follow(database) == []
    assert test_database.ask(STATE, "slow") == [(True, 1, True)]
    _sampled(applier, {-3: 99})
    assert _follow(database) == [Turn("mails: slow", None, is_news=True)]
    assert test_database.ask(STATE, "slow") == [(False, 1, False)]
    assert _follow(database) == []


def test_a_rule_without_a_server_is_about_each(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _rule(test_database, {"server_id": None, "duration_minutes": 0})
    _sampled(applier, {1: 200})
    _sampled(applier, {1: 50}, "maps")
    (opened,) = _follow(database)
    assert (opened.name, opened.told) == ("slow", "response_time_ms > 100 for 0 min; mails says 200")
    # The other took over: it is still broken.
    _sampled(applier, {0: 50})
    _sampled(applier, {0: 300}, "maps")
    assert _follow(database) == []
    _sampled(applier, {-1: 50}, "maps")
    assert [turn.told for turn in _follow(database)] == [None]


def test_what_others_break_for_a_moment_keeps_no_alert_open(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _rule(test_database, {"server_id": None})
    _sampled(applier, {8: 200, 2: 200})
    _sampled(applier, {8: 50}, "maps")
    assert [turn.told is None for turn in _follow(database)] == [False]
    _sampled(applier, {1: 50})
    _sampled(applier, {1: 200}, "maps")
    assert [turn.told is None for turn in _follow(database)] == [True]


def test_of_two_samples_of_a_moment_the_good_one_counts(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _rule(test_database, {"duration_minutes": 0})
    _sampled(applier, {1: 200})
    assert len(_follow(database)) == 1
    _sampled(applier, {1: 50})
    assert [turn.told for turn in _follow(database)] == [None]


def test_of_a_server_that_keeps_to_its_limits_only_the_newest_sample_is_read(test_database: TestDatabase) -> None:
    _rule(test_database, {"duration_minutes": 60})
    test_database.ask(
        "INSERT INTO gateway.server_metrics (id, server_id, timestamp, response_time_ms)"
        " SELECT gen_random_uuid(), 'mails', now() - n * interval '3 s', 50 FROM generate_series(1, 2000) AS n"
    )
    test_database.ask("ANALYZE gateway.server_metrics")
    plan = str(test_database.value(f"EXPLAIN (ANALYZE, FORMAT JSON) {_FOLLOW_METRICS.sql.decode().replace('%%', '%')}"))
    read = [
        float(rows) for rows in re.findall(r"'Relation Name': 'server_metrics_y[^}]*?'Actual Rows': ([0-9.]+)", plan)
    ]
    assert read
    assert sum(read) <= len(read)


def test_an_alert_of_a_deleted_server_is_resolved(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _rule(test_database, {"duration_minutes": 0})
    _sampled(applier, {1: 200})
    assert len(_follow(database)) == 1
    test_database.ask("UPDATE gateway.mcp_servers SET deleted_at = now() WHERE id = 'mails'")
    assert _follow(database) == [Turn("mails: slow", None, is_news=True)]
    assert _follow(database) == []


def test_a_duration_of_ages_keeps_no_other_rule_from_being_followed(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _rule(test_database, {"duration_minutes": 2**31 - 1}, "ages")
    _rule(test_database, {"duration_minutes": 0})
    _sampled(applier, {1: 200})
    assert [turn.name for turn in _follow(database)] == ["mails: slow"]


def test_what_turns_again_within_its_cooldown_is_no_news(
    applier: Applier, database: Database, test_database: TestDatabase
) -> None:
    _rule(test_database, {"duration_minutes": 0})
    is_news = []
    for minutes, took in ((3, 200), (2, 50), (1, 200)):
        _sampled(applier, {minutes: took})
        is_news += [turn.is_news for turn in _follow(database)]
    assert is_news == [True, True, False]
    assert test_database.ask(STATE, "slow") == [(True, 2, True)]


@pytest.mark.parametrize(
    ("rule", "sample"),
    [
        ({"metric_name": "queue_depth"}, {"custom": {"queue_depth": 101}}),
        ({"metric_name": "error_rate", "comparison_operator": "<=", "threshold_value": 0.5}, {"error_rate": 0.5}),
        (
            {"metric_name": "active_connections", "comparison_operator": "==", "threshold_value": 7},
            {"active_connections": 7},
        ),
    ],
)
def test_any_metric_can_be_limited(
    applier: Applier,
    database: Database,
    test_database: TestDatabase,
    rule: Mapping[str, object],
    sample: Mapping[str, object],
) -> None:
    _rule(test_database, {"duration_minutes": 0, **rule})
    _rule(test_database, {"metric_name": "nonsense", "duration_minutes": 0}, "other")
    _sampled(applier, {1: 1}, fields=sample)
    assert [turn.name for turn in _follow(database)] == ["mails: slow"]


@pytest.mark.parametrize("custom", [{"nonsense": "many"}, {"nonsense": None}, {"nonsense": {"n": 1}}, {}])
def test_what_is_no_number_breaks_no_limit(
    applier: Applier, database: Database, test_database: TestDatabase, custom: Mapping[str, object]
) -> None:
    _rule(test_database, {"metric_name": "nonsense", "duration_minutes": 0})
    _sampled(applier, {1: 1}, fields={"custom": custom})
    assert _follow(database) == []


def test_the_tick_follows_limits_and_a_rule_that_is_switched_off_resolves(
    applier: Applier, test_database: TestDatabase
) -> None:
    _rule(test_database, {"duration_minutes": 0})
    _sampled(applier, {1: 200})
    applier(delivered(AlertsDue.at(NOW)))
    assert test_database.ask(STATE, "slow") == [(True, 1, True)]
    told = test_database.value(
        "SELECT detail -> 'opened' ->> 'mails: slow' FROM maintenance.runs WHERE task = 'raise-alerts'"
    )
    assert told == "response_time_ms > 100 for 0 min; mails says 200"
    test_database.ask("UPDATE gateway.performance_alerts SET is_active = false WHERE name = 'slow'")
    applier(delivered(AlertsDue.at(NOW + timedelta(minutes=1))))
    assert test_database.ask(STATE, "slow") == [(False, 1, False)]
