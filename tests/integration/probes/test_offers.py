"""What servers list is read page by page, bounded, and told from silence."""

import json
from collections.abc import Callable

import pytest

from producers import Verdict
from tests.mcp_servers import programs
from workers.probes.addresses import Policy
from workers.probes.finding import Finding
from workers.probes.offers import Offer
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings

from .conftest import target
from .raw_server import Behaviour, RawServer, hanging, page, saying
from .test_mcp_servers import older, server

__all__ = ["older", "server"]

List = Callable[..., Finding]
DISCOVERED = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"supportedVersions": ["2026-07-28"]}})


@pytest.fixture
def listed(prober: Prober) -> List:
    def ask(url: str, *, expects_tools: bool = False) -> Finding:
        due = target(url, lists=True, resources=True, expects_tools=expects_tools, timeout_seconds=1.0)
        return prober.check([due])[0]

    return ask


def answers(*results: object) -> Behaviour:
    """Give the answers of a server of the newest era, one for each question."""
    bodies = [json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}) for result in results]
    return saying(*(page("200 OK", body, Content_Type="application/json") for body in (DISCOVERED, *bodies)))


@pytest.mark.parametrize("era", ["server", "older"])
def test_what_a_real_server_of_either_era_offers_is_listed(
    era: str, prober: Prober, request: pytest.FixtureRequest
) -> None:
    (found,) = prober.check([target(request.getfixturevalue(era).url, lists=True, resources=True)])
    assert found.verdict is Verdict.UP
    assert found.offer is not None
    ((tool,), (resource,)) = (found.offer.tools or [], found.offer.resources or [])
    assert (tool["name"], tool["description"]) == ("add", "Add two numbers.")
    assert (resource["uri"], resource["mime_type"]) == ("ledger://sums", "text/plain")
    assert tool["schema"]["required"] == ["left", "right"]


def test_tools_of_a_package_with_many_are_all_listed(prober: Prober, port: int) -> None:
    try:
        sheets = programs.spreadsheets(port)
    except programs.NotInstalled as reason:
        pytest.skip(str(reason))
    with sheets:
        (found,) = prober.check([target(sheets.url, lists=True)])
    assert found.offer is not None
    assert len(found.offer.tools or []) > 20


def test_pages_are_followed_and_what_is_no_tool_is_left_out(listed: List) -> None:
    first = {"tools": [{"name": "a"}, {"name": " "}, "b", {"title": "c"}], "nextCursor": "2"}
    second = {"tools": [{"name": "d\x00\n", "inputSchema": "none"}]}
    with RawServer(answers(first, second, {"resources": [{"uri": "file:///x"}]})) as raw:
        found = listed(raw.url)
        assert b'"cursor":"2"' in raw.requests[2]
    assert found.offer is not None
    assert [tool["name"] for tool in found.offer.tools or []] == ["a", "d"]
    assert [resource["uri"] for resource in found.offer.resources or []] == ["file:///x"]


@pytest.mark.parametrize(("each", "pages"), [(90, 20), (700, 3)])
def test_a_list_without_an_end_is_cut(each: int, pages: int, prober: Prober) -> None:
    with RawServer(answers({"tools": [{"name": f"t{n}"} for n in range(each)], "nextCursor": "again"})) as raw:
        (found,) = prober.check([target(raw.url, lists=True)])
        assert len(raw.requests) == 1 + pages
    assert found.offer is not None
    assert len(found.offer.tools or []) == min(each * pages, 2_000)


@pytest.mark.parametrize("as_events", [False, True])
def test_a_list_that_is_too_long_to_read_is_no_outage(listed: List, *, as_events: bool) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "x" * 2**20}]}})
    kind = "text/event-stream" if as_events else "application/json"
    lengthy = page("200 OK", f"data: {body}\n\n" if as_events else body, Content_Type=kind)
    none = page("200 OK", '{"jsonrpc":"2.0","id":1,"result":{"resources":[]}}', Content_Type="application/json")
    with RawServer(saying(page("200 OK", DISCOVERED, Content_Type="application/json"), lengthy, none)) as raw:
        found = listed(raw.url, expects_tools=True)
    assert (found.verdict, found.error) == (Verdict.UP, None)
    assert found.offer == Offer(None, [])


def test_a_server_without_tools_need_not_know_the_question(listed: List) -> None:
    unknown = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "Method not found"}})
    said = [page("200 OK", body, Content_Type="application/json") for body in (DISCOVERED, unknown)]
    with RawServer(saying(*said)) as raw:
        found = listed(raw.url)
    assert found.verdict is Verdict.UP
    assert found.offer is not None
    assert found.offer.tools == []


def test_tools_that_are_gone_are_missed(listed: List) -> None:
    with RawServer(answers({"tools": []}, {"resources": []})) as raw:
        assert listed(raw.url, expects_tools=True).verdict is Verdict.TOOLS_MISSING


def test_an_answer_that_is_no_list_breaks_the_protocol(listed: List) -> None:
    with RawServer(answers({"tools": {"name": "a"}})) as raw:
        found = listed(raw.url)
    assert (found.verdict, found.error) == (Verdict.PROTOCOL_ERROR, "Answers tools/list without a list of tools.")


def test_a_list_that_does_not_come_is_a_timeout(listed: List) -> None:
    discovered = saying(page("200 OK", DISCOVERED, Content_Type="application/json"))

    def behave(connection: object, raw: RawServer) -> None:
        (hanging if b"tools/list" in raw.requests[-1] else discovered)(connection, raw)  # type: ignore[arg-type]  # a socket

    with RawServer(behave) as raw:
        assert listed(raw.url).verdict is Verdict.TIMEOUT


def test_a_server_that_we_chose_does_not_send_us_to_a_private_address() -> None:
    with RawServer(saying(page("200 OK"))) as secret:
        elsewhere = page("307 Temporary Redirect", Location=secret.url)
        with RawServer(saying(elsewhere)) as ours:
            prober = Prober()
            (found,) = prober.check([target(ours.url)])
            prober.close()
            allowed = Prober(ProbeSettings(policy=Policy.parse("127.0.0.0/8")))
            (other,) = allowed.check([target(ours.url)])
            allowed.close()
        assert len(secret.requests) == 1
    assert found.verdict is Verdict.UNREACHABLE
    assert "PROBE_NETWORKS" in str(found.error)
    assert other.verdict is Verdict.PROTOCOL_ERROR
