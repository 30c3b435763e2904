"""Servers of the gateway by message: what was said last counts, whatever comes first."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from producers import OfferedResource, OfferedTool, RegisterServer, ServerDiscovered
from tests.databases import TestDatabase
from workers.applier import Applier

from .deliveries import delivered, reasons

NOW: Final = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _tenants(test_database: TestDatabase) -> None:
    test_database.ask("INSERT INTO tenants (id, name) VALUES ('acme', 'Acme'), ('umbrella', 'Umbrella')")


def _server(minutes: int = 0, **fields: Any) -> RegisterServer:  # noqa: ANN401  any field of the contract
    usual: dict[str, Any] = {
        "server_id": "tickets",
        "tenant_id": "acme",
        "name": "Tickets",
        "endpoint_url": "https://tickets.example/mcp",
        "occurred_at": NOW + timedelta(minutes=minutes),
    }
    return RegisterServer(**usual | fields)


def _discovered(minutes: int = 0, **fields: Any) -> ServerDiscovered:  # noqa: ANN401  any field of the contract
    usual: dict[str, Any] = {"server_id": "tickets", "occurred_at": NOW + timedelta(minutes=minutes)}
    return ServerDiscovered(**usual | fields)


def test_what_was_said_last_of_a_server_counts(applier: Applier, test_database: TestDatabase) -> None:
    applier(delivered(_server(0, tags=["b"], configuration={"a": 1})))
    applier(delivered(_server(-5, name="Older")))
    applier(delivered(_server(5, description="Finds tickets", status="maintenance", timeout_ms=5)))
    assert test_database.ask(
        "SELECT id, tenant_id, name, description, status, timeout_ms, tags, configuration FROM gateway.mcp_servers"
    ) == [("tickets", "acme", "Tickets", "Finds tickets", "maintenance", 5, [], {})]
    assert reasons(test_database) == []


def test_a_server_stays_its_tenants(applier: Applier, test_database: TestDatabase) -> None:
    applier(delivered(_server()))
    applier(delivered(_server(5, tenant_id="umbrella", name="Mine")))
    applier(delivered(_server(5, tenant_id=None, name="Everybody's")))
    assert test_database.ask("SELECT tenant_id, name FROM gateway.mcp_servers") == [("acme", "Tickets")]
    assert reasons(test_database) == ["server-refused"] * 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"tenant_id": "nobody"},
        {"server_id": "other", "endpoint_url": "https://other.example"},
        {"server_id": "other", "name": "Other"},
        {"server_id": "other", "name": "Other", "endpoint_url": "ftp://other.example"},
    ],
)
def test_a_server_that_cannot_be_is_a_dead_letter(
    applier: Applier, test_database: TestDatabase, wrong: dict[str, Any]
) -> None:
    if "server_id" in wrong:
        applier(delivered(_server()))
    applier(delivered(_server(5, **wrong)))
    assert reasons(test_database) == ["data-refused"]


def test_the_newest_offers_of_a_server_take_the_place_of_those_before(
    applier: Applier, test_database: TestDatabase
) -> None:
    applier(delivered(_server()))
    search, close = OfferedTool(name="search", input_schema={"type": "object"}), OfferedTool(name="close")
    resource = OfferedResource(uri="ticket://{id}", mime_type="text/plain")
    applier(delivered(_discovered(1, tools=[search, close], resources=[resource], capabilities={"tools": {}})))
    applier(delivered(_discovered(0, tools=[], resources=[], version="0.1")))
    applier(delivered(_discovered(2, tools=[search], version="2.1.0")))
    assert test_database.ask("SELECT name, tool_schema FROM gateway.server_tools") == [("search", {"type": "object"})]
    assert test_database.ask("SELECT uri_template, mime_type FROM gateway.server_resources") == [
        ("ticket://{id}", "text/plain")
    ]
    assert test_database.ask("SELECT version, capabilities FROM gateway.mcp_servers") == [("2.1.0", {"tools": {}})]


def test_what_an_unknown_server_says_waits_for_its_registration(applier: Applier, test_database: TestDatabase) -> None:
    message = _discovered(1, tools=[OfferedTool(name="search")])
    applier(delivered(message))
    assert test_database.ask("SELECT message_id, state FROM redeliveries") == [(message.message_id, "retry")]
