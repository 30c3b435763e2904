"""Records of the gateway from Redis to their tables: bad ones put aside, good ones stored once and without secrets."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import pytest

from db.engine import Database
from db.verifying import verify
from producers import (
    ActionAudited,
    AuditedAction,
    AuditedCall,
    AuditSealDue,
    CallAudited,
    Message,
    MetricSample,
    MetricsSampled,
    RequestsServed,
    ServedRequest,
)
from producers.envelope import seal
from tests.databases import TestDatabase
from workers.actors import ACTORS, maintenance
from workers.applier import Applier
from workers.commands import gateway
from workers.delivery import Delivery
from workers.resources import Resources

from .deliveries import delivered, due, make_group_applier, reasons, repacked

NOW: Final = datetime.now(UTC)
USER: Final = UUID(int=9)
TABLES: Final = {
    "requests": "gateway.request_logs",
    "samples": "gateway.server_metrics",
    "actions": "gateway.audit_logs",
    "calls": "gateway.fastmcp_audit_log",
}


def _request(at: datetime = NOW, **fields: Any) -> ServedRequest:  # noqa: ANN401  any field of the contract
    usual: dict[str, Any] = {"request_id": "r", "method": "GET", "path": "/mcp", "server_id": "tickets"}
    return ServedRequest(requested_at=at, **usual | fields)


def _sample(at: datetime = NOW, **fields: Any) -> MetricSample:  # noqa: ANN401  any field of the contract
    usual: dict[str, Any] = {"server_id": "tickets", "error_rate": 1.5}
    return MetricSample(sampled_at=at, **usual | fields)


def _action(at: datetime = NOW, **fields: Any) -> AuditedAction:  # noqa: ANN401  any field of the contract
    return AuditedAction(acted_at=at, action="grant", resource_type="server", **fields)


def _call(at: datetime = NOW, **fields: Any) -> AuditedCall:  # noqa: ANN401  any field of the contract
    return AuditedCall(called_at=at, user_id="ada", method="tools/call", success=True, duration_ms=5, **fields)


BATCHES: Final[dict[str, Message]] = {
    "requests": RequestsServed(requests=[_request(request_id=str(n)) for n in range(500)]),
    "samples": MetricsSampled(samples=[_sample(response_time_ms=n) for n in range(500)]),
    "actions": ActionAudited(actions=[_action(resource_id=str(n)) for n in range(500)]),
    "calls": CallAudited(calls=[_call(request_id=str(n)) for n in range(500)]),
}


@pytest.fixture(autouse=True)
def _server(test_database: TestDatabase) -> None:
    test_database.ask(
        "INSERT INTO gateway.mcp_servers (id, name, endpoint_url) VALUES ('tickets', 'Tickets', 'https://t.example')"
    )


def _with(message: Message, kind: str, bad: dict[int, object]) -> Delivery:
    envelope = json.loads(seal(message))
    for number, part in bad.items():
        envelope["args"][0][kind].insert(number - 1, part)
    return repacked(json.dumps(envelope).encode())


@pytest.mark.parametrize("kind", BATCHES)
def test_of_a_batch_with_one_bad_record_of_each_kind_the_good_are_stored_once(
    applier: Applier, test_database: TestDatabase, kind: str
) -> None:
    message = BATCHES[kind]
    sample = json.loads(seal(message))["args"][0][kind][0]
    bad: dict[int, object] = {
        7: sample | {"colour": "red"},
        70: {key: sample[key] for key in sample if not key.endswith("_at")},
        77: sample | {"tenant_id": "t" * 65} if kind != "samples" else sample | {"error_rate": 101},
        300: "text",
        307: None,
        377: sample | {next(key for key in sample if key.endswith("_at")): "NaN"},
    }
    delivery = _with(message, kind, bad)
    applier(delivery)
    applier(delivery)
    assert test_database.value(f"SELECT count(*) FROM {TABLES[kind]}") == 500  # noqa: S608  our tables
    found = test_database.ask(
        "SELECT line_number, message_id, wire_name, reason, payload ->> 'problem' LIKE 'the %% does not fit%%'"
        " FROM gateway.record_quarantine ORDER BY line_number"
    )
    assert found == [(number, message.message_id, message.wire_name, "contract", True) for number in bad]
    assert reasons(test_database) == []


@pytest.mark.parametrize("kind", BATCHES)
def test_batches_that_were_fetched_together_share_a_transaction(
    database: Database, resources: Resources, test_database: TestDatabase, kind: str
) -> None:
    part = next(iter(cast("Any", BATCHES[kind]).numbered()))[1]
    batches = [type(BATCHES[kind]).model_validate({kind: [part] * 3}) for _ in range(20)]
    make_group_applier(database, resources, *ACTORS)(*map(delivered, batches))
    found = test_database.ask(
        f"SELECT count(*), count(DISTINCT xmin::text), count(DISTINCT id) FROM {TABLES[kind]}"  # noqa: S608  our tables
    )
    assert found == [(60, 1, 60)]


def test_samples_of_an_unknown_server_are_put_aside_and_their_neighbours_stored(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(MetricsSampled(samples=[_sample(), _sample(server_id="strange"), _sample()])))
    assert test_database.value("SELECT count(*) FROM gateway.server_metrics") == 2
    assert test_database.ask("SELECT line_number, reason, payload ->> 'server_id' FROM gateway.record_quarantine") == [
        (2, "unknown-server", "strange")
    ]


def test_a_request_is_stored_with_all_that_is_known_of_it(applier: Applier, test_database: TestDatabase) -> None:
    request = _request(
        tenant_id="acme",
        user_id=USER,
        ip_address="192.0.2.7",
        query_params={"page": "2"},
        headers={"accept": "text/html"},
        duration_ms=1_500,
        status_code=502,
        response_size_bytes=2**40,
        error_type="upstream",
        error="no answer",
        metadata={"try": 1},
    )
    applier(delivered(RequestsServed(requests=[request])))
    assert test_database.ask(
        "SELECT tenant_id, user_id, host(ip_address), method, path, query_params, headers, target_server_id,"
        " request_time, response_time - request_time, duration_ms, status_code, response_size_bytes, error_type,"
        " error_message, request_metadata FROM gateway.request_logs"
    ) == [
        (
            *("acme", USER, "192.0.2.7", "GET", "/mcp", {"page": "2"}, {"accept": "text/html"}, "tickets"),
            *(NOW, timedelta(seconds=1.5), 1_500.0, 502, 2**40, "upstream", "no answer", {"try": 1}),
        )
    ]


def test_secrets_that_other_clients_sent_are_not_stored(applier: Applier, test_database: TestDatabase) -> None:
    envelope = json.loads(seal(RequestsServed(requests=[_request()])))
    sent = envelope["args"][0]["requests"][0]
    sent["headers"] = {"Authorization": "Bearer sesame-sesame"}
    sent["metadata"] = {"curl": "--password sesame-sesame"}
    envelope["args"][0]["requests"].append(sent | {"colour": "token=sesame-sesame"})
    applier(repacked(json.dumps(envelope).encode()))
    assert test_database.value("SELECT count(*) FROM gateway.request_logs") == 1
    stored = test_database.value(
        "SELECT concat((SELECT string_agg(r::text, '') FROM gateway.request_logs r),"
        " (SELECT string_agg(q::text, '') FROM gateway.record_quarantine q))"
    )
    assert "sesame" not in str(stored)
    assert "Bearer" not in str(stored)


@pytest.mark.parametrize("kind", BATCHES)
def test_a_time_that_cannot_be_true_gives_way_to_the_moment_of_the_message_id(
    applier: Applier, test_database: TestDatabase, kind: str
) -> None:
    wild = NOW.replace(year=1)
    part = {"requests": _request, "samples": _sample, "actions": _action, "calls": _call}[kind](wild)
    applier(delivered(type(BATCHES[kind]).model_validate({kind: [part]})))
    time, beside = {
        "requests": ("request_time", "request_metadata"),
        "samples": ("timestamp", "custom_metrics"),
        "actions": ("timestamp", "details"),
        "calls": ("timestamp", "params"),
    }[kind]
    statement = f"SELECT now() - {time} < interval '1 minute', {beside} ->> 'original_timestamp' FROM {TABLES[kind]}"  # noqa: S608  our tables
    assert test_database.ask(statement) == [(True, wild.isoformat())]


def test_a_month_without_a_partition_is_made_and_used(applier: Applier, test_database: TestDatabase) -> None:
    last_month = NOW.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    at = max(last_month, NOW - timedelta(days=29))
    name = f"partitions.server_metrics_y{at:%Y}m{at:%m}"
    test_database.ask(f"DROP TABLE IF EXISTS {name}")
    applier(delivered(MetricsSampled(samples=[_sample(at)])))
    assert test_database.value(f"SELECT count(*) FROM {name}") == 1  # noqa: S608  our table


def test_actions_are_sealed_by_a_tick_in_as_many_steps_as_it_takes(
    applier: Applier, database: Database, test_database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "SEALED", 300)
    test_database.ask("TRUNCATE audit_log, maintenance.audit_entries")
    applier(delivered(BATCHES["actions"]))
    applier(delivered(AuditSealDue.at(NOW)))
    applier(*due(database, [AuditSealDue.wire_name]))
    assert test_database.ask("SELECT entries FROM maintenance.audit_blocks ORDER BY number") == [(300,), (200,)]
    assert verify(database).is_intact


def test_people_read_why_records_are_in_quarantine(database: Database, applier: Applier) -> None:
    nothing = gateway.show_quarantine(database, days=7, as_json=False)
    assert nothing == "No record went into quarantine in the last 7 days."
    applier(delivered(MetricsSampled(samples=[_sample(server_id="strange")])))
    told = json.loads(gateway.show_quarantine(database, days=7, as_json=True))
    assert [(each["wire_name"], each["reason"], each["records"]) for each in told] == [
        ("gateway.metrics_sampled.v1", "unknown-server", 1)
    ]
    assert "unknown-server" in gateway.show_quarantine(database, days=7, as_json=False).splitlines()[1]
