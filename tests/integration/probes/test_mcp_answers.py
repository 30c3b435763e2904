"""Answers that MCP servers in use give and our own server does not."""

import socket
from collections.abc import Callable

import pytest

from producers import Verdict
from workers.probes.finding import Finding
from workers.probes.prober import Prober

from .conftest import target
from .raw_server import RawServer, page, saying

Ask = Callable[..., Finding]


def result(value: str, **headers: str) -> str:
    """Answer our request with a result."""
    return page("200 OK", f'{{"jsonrpc":"2.0","id":1,"result":{value}}}', **headers)


def error(code: int, message: str, *, status: str = "200 OK", data: str = "null") -> str:
    """Answer our request with an error."""
    body = f'{{"code":{code},"message":"{message}","data":{data}}}'
    return page(status, f'{{"jsonrpc":"2.0","id":1,"error":{body}}}')


MODERN = result('{"supportedVersions":["2026-07-28"]}')
REFUSED = page("400 Bad Request", "No valid session ID provided")
OPENED = result('{"protocolVersion":"2025-06-18"}', Mcp_Session_Id="one")
STATELESS = result('{"protocolVersion":"2025-06-18"}')
NOTED = page("202 Accepted")
ALIVE = result("{}")


def sent(server: RawServer, word: str) -> int:
    """Count the requests that hold a word."""
    return sum(word.encode() in request for request in server.requests)


def test_a_server_of_a_later_era_is_up(ask_mcp: Ask) -> None:
    versions = '{"supported":["2027-09-01"],"requested":"2026-07-28"}'
    answer = error(-32022, "Unsupported", status="400 Bad Request", data=versions)
    with RawServer(saying(answer)) as server:
        report = ask_mcp(server.url)
    assert (report.verdict, report.era) == (Verdict.UP, "modern")


def test_a_server_that_discovers_only_older_versions_is_of_the_older_era(ask_mcp: Ask) -> None:
    older = result('{"supportedVersions":["2025-11-25"]}')
    with RawServer(saying(older, OPENED, NOTED, ALIVE)) as server:
        report = ask_mcp(server.url)
    assert (report.verdict, report.era) == (Verdict.UP, "legacy")


@pytest.mark.parametrize(
    "refusal",
    [
        error(-32601, "Method not found"),
        error(-32600, "Invalid request", status="404 Not Found"),
        page("405 Method Not Allowed"),
        page("500 Internal Server Error", "unexpected method"),
    ],
)
def test_a_server_that_refuses_the_newest_era_in_its_own_way_is_met_in_the_older(refusal: str, ask_mcp: Ask) -> None:
    with RawServer(saying(refusal, OPENED, NOTED, ALIVE)) as server:
        report = ask_mcp(server.url)
    assert (report.verdict, report.era) == (Verdict.UP, "legacy")


def test_a_session_that_a_server_keeps_for_a_refused_request_is_ended(prober: Prober) -> None:
    refused = page("400 Bad Request", "Missing session ID", Mcp_Session_Id="leaked")
    with RawServer(saying(refused, OPENED, NOTED, ALIVE)) as server:
        prober.check([target(server.url)])
        prober.close()
        farewells = [one for one in server.requests if one.startswith(b"DELETE")]
    assert sorted(b"leaked" in one for one in farewells) == [False, True]


def test_a_server_without_sessions_is_up_and_told_no_farewell(prober: Prober) -> None:
    with RawServer(saying(REFUSED, STATELESS, NOTED, ALIVE)) as server:
        due = target(server.url)
        verdicts = [prober.check([due])[0].verdict for _ in range(2)]
        prober.close()
    assert verdicts == [Verdict.UP, Verdict.UP]
    assert sent(server, "initialize") == 2  # the request and its notification, once
    assert sent(server, "DELETE") == 0


def test_a_session_carries_its_id_and_the_version_that_was_agreed_on(ask_mcp: Ask) -> None:
    with RawServer(saying(REFUSED, OPENED, NOTED, ALIVE)) as server:
        ask_mcp(server.url)
    assert sent(server, "Mcp-Session-Id: one\r\n") == 2
    assert sent(server, "MCP-Protocol-Version: 2025-06-18\r\n") == 2


def test_a_session_of_a_meeting_that_failed_is_ended_before_the_next(prober: Prober) -> None:
    failed = result("{}", Mcp_Session_Id="half-open")
    with RawServer(saying(REFUSED, failed, REFUSED, OPENED, NOTED, ALIVE)) as server:
        due = target(server.url)
        verdicts = [prober.check([due])[0].verdict for _ in range(2)]
        prober.close()
    assert verdicts == [Verdict.PROTOCOL_ERROR, Verdict.UP]
    assert sent(server, "DELETE") == 2
    assert sent(server, "Mcp-Session-Id: half-open") == 1


def test_a_restart_is_told_even_when_the_first_meeting_after_it_fails(ask_mcp: Ask) -> None:
    met = (REFUSED, OPENED, NOTED, ALIVE)
    starting = page("503 Service Unavailable")
    with RawServer(saying(*met, page("404 Not Found"), starting, starting, *met)) as server:
        verdicts = [ask_mcp(server.url).verdict for _ in range(4)]
    assert verdicts == [Verdict.UP, Verdict.PROTOCOL_ERROR, Verdict.RESTARTED, Verdict.UP]


@pytest.mark.parametrize("status", ["400 Bad Request", "401 Unauthorized", "404 Not Found"])
def test_a_lost_session_is_recognised_whatever_status_tells_it(status: str, ask_mcp: Ask) -> None:
    lost = page(status, "Session not found")
    met = (REFUSED, OPENED, NOTED, ALIVE)
    with RawServer(saying(*met, lost, *met)) as server:
        verdicts = [ask_mcp(server.url).verdict for _ in range(3)]
    assert verdicts == [Verdict.UP, Verdict.RESTARTED, Verdict.UP]


def test_a_server_that_begins_to_ask_for_credentials_is_not_restarted(ask_mcp: Ask) -> None:
    wall = page("401 Unauthorized")
    with RawServer(saying(REFUSED, OPENED, NOTED, ALIVE, wall)) as server:
        verdicts = [ask_mcp(server.url).verdict for _ in range(2)]
    assert verdicts == [Verdict.UP, Verdict.AUTH_REQUIRED]


def test_a_server_that_has_no_ping_but_says_so_is_up(ask_mcp: Ask) -> None:
    with RawServer(saying(REFUSED, OPENED, NOTED, error(-32601, "Method not found"))) as server:
        assert ask_mcp(server.url).verdict is Verdict.UP


def test_an_answer_in_an_open_stream_counts_before_the_stream_ends(ask_mcp: Ask) -> None:
    head = "HTTP/1.1 200 OK\nContent-Type: text/event-stream\nContent-Length: 9999\n\n"
    log = 'data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n'
    answer = 'data: {"jsonrpc":"2.0","id":1,\ndata: "result":{"supportedVersions":["2026-07-28"]}}'

    def behave(connection: socket.socket, server: RawServer) -> None:
        saying(f"{head}: hello\n\n{log}{answer}\n\n")(connection, server)
        server.stopping.wait()

    with RawServer(behave) as server:
        report = ask_mcp(server.url)
    assert (report.verdict, report.era) == (Verdict.UP, "modern")


def test_a_redirect_that_keeps_the_request_is_followed(ask_mcp: Ask) -> None:
    moved = page("307 Temporary Redirect", Location="/mcp/")
    with RawServer(saying(moved, MODERN)) as server:
        assert ask_mcp(server.url).verdict is Verdict.UP
    assert sent(server, '"method":"server/discover"') == 2


def test_a_redirect_that_drops_the_request_breaks_the_protocol(ask_mcp: Ask) -> None:
    with RawServer(saying(page("302 Found", Location="/login"))) as server:
        report = ask_mcp(server.url)
    assert report.verdict is Verdict.PROTOCOL_ERROR
    assert "HTTP 302" in str(report.error)
    assert sent(server, "GET ") == 0


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((page("200 OK"),), "an empty body"),
        ((page("200 OK", "{}", Content_Encoding="gzip"),), "compressed body"),
        ((result('{"supportedVersions":[]}'), error(-32603, "Oh no")), "error -32603: Oh no"),
        ((REFUSED, result("{}")), "a result that does not fit the method"),
        ((REFUSED, result('{"protocolVersion":"1\\r\\nX: 2"}')), "does not fit the method"),
        ((REFUSED, result("{}", Mcp_Session_Id="x" * 2000)), "session id"),
        ((REFUSED, OPENED, NOTED, error(-32000, "Key 4f1c7a9e2b8d4f1c7a9e?")), "Key […]?"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said(answers: tuple[str, ...], reason: str, ask_mcp: Ask) -> None:
    with RawServer(saying(*answers)) as server:
        report = ask_mcp(server.url)
    assert report.verdict is Verdict.PROTOCOL_ERROR
    assert reason in str(report.error)
