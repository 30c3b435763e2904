"""Every verdict over MCP, given by real servers of both eras."""

import urllib.request
from collections.abc import Callable, Iterator

import pytest

from embedded.ports import free_port
from producers import Verdict
from tests.mcp_servers import programs
from tests.mcp_servers.running import RunningServer
from workers.probes.finding import Finding
from workers.probes.prober import Prober

from .conftest import target, until

Ask = Callable[..., Finding]


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    """Our server of the newest era; one for all tests that switch a fault on."""
    with programs.modern(free_port()) as server:
        yield server


@pytest.fixture(scope="module")
def older() -> Iterator[RunningServer]:
    """Our server, speaking the older era only."""
    with programs.modern(free_port(), legacy=True) as server:
        yield server


@pytest.fixture(autouse=True)
def all_is_well_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """Switch the fault of the test off."""
    yield
    for name in ("server", "older"):
        if name in request.fixturenames:
            switch(request.getfixturevalue(name), "none")


def switch(server: RunningServer, fault: programs.Fault, amount: float = 1) -> None:
    """Make a server go wrong in another way."""
    url = f"http://127.0.0.1:{server.port}/fault/{fault}?amount={amount}"
    with urllib.request.urlopen(urllib.request.Request(url, method="POST")) as answer:
        assert answer.status == 200


def test_a_server_of_the_newest_era_is_up(server: RunningServer, ask_mcp: Ask) -> None:
    report = ask_mcp(server.url)
    assert (report.verdict, report.era, report.error) == (Verdict.UP, "modern", None)
    assert report.response_ms is not None


def test_a_package_of_the_newest_era_is_up(port: int, ask_mcp: Ask) -> None:
    try:
        server = programs.spreadsheets(port)
    except programs.NotInstalled as reason:
        pytest.skip(str(reason))
    with server:
        report = ask_mcp(server.url)
    assert (report.verdict, report.era) == (Verdict.UP, "modern")


def test_a_package_of_the_older_era_is_up_dies_and_is_seen_to_be_restarted(port: int, ask_mcp: Ask) -> None:
    try:
        server = programs.clock(port)
    except programs.NotInstalled as reason:
        pytest.skip(str(reason))
    with server:
        assert ask_mcp(server.url).verdict is Verdict.UP
        server.kill()
        assert ask_mcp(server.url).verdict is Verdict.UNREACHABLE
        server.start()
        restarted = ask_mcp(server.url)
        assert (restarted.verdict, restarted.era) == (Verdict.RESTARTED, "legacy")
        assert ask_mcp(server.url).verdict is Verdict.UP


def test_a_server_of_the_older_era_is_asked_in_one_session_that_is_ended(port: int, prober: Prober) -> None:
    with programs.modern(port, legacy=True) as server:
        due = target(server.url)
        verdicts = [prober.check([due])[0].verdict for _ in range(3)]
        prober.close()
        server.stop()
        printed = [line.text for line in server.lines()]
    opened = [line for line in printed if "Created new transport" in line]
    refused, kept = [line.rpartition(" ")[2] for line in opened]
    assert verdicts == [Verdict.UP] * 3
    assert refused != kept
    assert any(f"Terminating session: {kept}" in line for line in printed)


def test_a_server_that_lost_our_session_is_restarted_and_then_up(older: RunningServer, ask_mcp: Ask) -> None:
    assert ask_mcp(older.url).verdict is Verdict.UP
    switch(older, "session_lost")
    report = ask_mcp(older.url)
    assert (report.verdict, report.era) == (Verdict.RESTARTED, "legacy")
    assert report.error is not None
    assert "session" in report.error
    assert ask_mcp(older.url).verdict is Verdict.UP


def test_a_server_that_was_upgraded_is_met_again_in_its_new_era(port: int, ask_mcp: Ask) -> None:
    with programs.modern(port, legacy=True) as before:
        assert ask_mcp(before.url).era == "legacy"
    with programs.modern(port) as after:
        report = ask_mcp(after.url)
    assert (report.verdict, report.era) == (Verdict.RESTARTED, "modern")


def test_a_server_that_was_set_back_is_met_again_in_its_old_era(port: int, ask_mcp: Ask) -> None:
    with programs.modern(port) as before:
        assert ask_mcp(before.url).era == "modern"
    with programs.modern(port, legacy=True) as after:
        report = ask_mcp(after.url)
    assert (report.verdict, report.era) == (Verdict.UP, "legacy")


def test_a_server_that_needs_most_of_its_timeout_is_degraded(server: RunningServer, ask_mcp: Ask) -> None:
    switch(server, "slow", 1)
    report = ask_mcp(server.url, timeout_seconds=1.9)
    assert report.verdict is Verdict.DEGRADED
    assert report.response_ms is not None
    assert report.response_ms >= 1000


def test_a_server_that_needs_longer_than_its_timeout_is_timed_out(server: RunningServer, ask_mcp: Ask) -> None:
    switch(server, "slow", 1)
    report = ask_mcp(server.url, timeout_seconds=0.3)
    assert report.verdict is Verdict.TIMEOUT
    assert report.error == ("No complete answer within 0.3 s; ended while waiting for the answer.")


def test_a_server_behind_an_auth_wall_is_alive(server: RunningServer, ask_mcp: Ask) -> None:
    switch(server, "http_401")
    report = ask_mcp(server.url)
    assert report.verdict is Verdict.AUTH_REQUIRED
    assert report.verdict.alive


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("http_500", "HTTP 500"),
        ("html", "HTTP 200 and an HTML page"),
        ("garbage", "not the JSON-RPC answer"),
        ("endless", "event stream without the answer"),
    ],
)
@pytest.mark.parametrize("era", ["server", "older"])
def test_an_answer_that_is_not_mcp_breaks_the_protocol(
    era: str, fault: programs.Fault, reason: str, ask_mcp: Ask, request: pytest.FixtureRequest
) -> None:
    asked: RunningServer = request.getfixturevalue(era)
    switch(asked, fault)
    report = ask_mcp(asked.url)
    assert report.verdict is Verdict.PROTOCOL_ERROR
    assert report.error is not None
    assert reason in report.error
    switch(asked, "none")
    assert ask_mcp(asked.url).verdict is Verdict.UP


def test_a_server_that_crashes_while_it_is_asked_is_unreachable(port: int, ask_mcp: Ask) -> None:
    with programs.modern(port) as server:
        assert ask_mcp(server.url).verdict is Verdict.UP
        switch(server, "crash", 0)
        assert ask_mcp(server.url).verdict is Verdict.UNREACHABLE
        until(lambda: not server.running)
        again = ask_mcp(server.url)
    assert again.verdict is Verdict.UNREACHABLE
    assert again.error == f"Nobody listens on 127.0.0.1 port {port}: connection refused."
