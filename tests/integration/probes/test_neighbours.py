"""What one target does is nothing to the others."""

import resource
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from producers import Probe, Verdict
from tests.mcp_servers import programs
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings

from .conftest import target
from .raw_server import RawServer, hanging, page, saying


def test_fifty_hanging_targets_do_not_delay_fifty_healthy_ones(prober: Prober) -> None:
    with RawServer(hanging) as silent, RawServer(saying(page("200 OK"))) as healthy:
        pair = ((silent.url, 2.0), (healthy.url, 20.0))
        due = [target(url, Probe.HTTP, timeout_seconds=patience) for _ in range(50) for url, patience in pair]
        begin = time.monotonic()
        reports = prober.check(due)
        seconds = time.monotonic() - begin
    assert [report.verdict for report in reports] == [Verdict.TIMEOUT, Verdict.UP] * 50
    last_healthy = max(report.checked_at for report in reports if report.verdict is Verdict.UP)
    first_silent = min(report.checked_at for report in reports if report.verdict is not Verdict.UP)
    assert last_healthy < first_silent
    # One after the other they would take a hundred seconds.
    assert seconds < 10


def test_a_batch_that_is_checked_next_to_hanging_targets_does_not_wait_for_them(
    prober: Prober,
) -> None:
    with RawServer(hanging) as silent, RawServer(saying(page("200 OK"))) as healthy:
        hung: list[object] = []
        due = [target(silent.url, Probe.HTTP, timeout_seconds=3.0) for _ in range(50)]
        other = threading.Thread(target=lambda: hung.extend(each.verdict for each in prober.check(due)))
        other.start()
        reports = prober.check([target(healthy.url, Probe.HTTP) for _ in range(50)])
        assert other.is_alive()
        other.join()
    assert {report.verdict for report in reports} == {Verdict.UP}
    assert set(hung) == {Verdict.TIMEOUT}


def test_targets_that_wait_for_a_place_still_have_their_whole_timeout() -> None:
    with (
        RawServer(hanging) as silent,
        RawServer(saying(page("200 OK"))) as healthy,
        closing(Prober(ProbeSettings(concurrency=2))) as prober,
    ):
        due = [target(silent.url, Probe.HTTP, timeout_seconds=0.3) for _ in range(4)]
        due.append(target(healthy.url, Probe.HTTP, timeout_seconds=10))
        verdicts = [report.verdict for report in prober.check(due)]
    assert verdicts == [Verdict.TIMEOUT] * 4 + [Verdict.UP]


def test_names_whose_server_never_answers_hold_up_no_other_name(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up, look_up = threading.Event(), socket.getaddrinfo

    def slow_for_some(host: str, *arguments: int, **options: int) -> object:
        if host.endswith(".invalid"):
            given_up.wait(30)
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow_for_some)
    with RawServer(saying(page("200 OK"))) as healthy:
        urls = [f"http://name-{number}.invalid/" for number in range(40)]
        due = [target(url, Probe.HTTP, timeout_seconds=1.0) for url in urls]
        due.append(target(healthy.url.replace("127.0.0.1", "localhost"), Probe.HTTP, timeout_seconds=20))
        *silent, fine = prober.check(due)
    given_up.set()
    assert fine.verdict is Verdict.UP
    assert fine.checked_at < min(report.checked_at for report in silent)
    assert {report.error for report in silent} == {"No complete answer within 1 s; ended while looking up the name."}


def test_two_checks_of_one_instance_share_one_session(prober: Prober) -> None:
    opened = page(
        "200 OK",
        '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}',
        Mcp_Session_Id="one",
    )
    alive = page("200 OK", '{"jsonrpc":"2.0","id":1,"result":{}}')
    refused = page("400 What", "No valid session ID provided")
    with RawServer(saying(refused, opened, page("202 Accepted"), alive)) as server:
        due = target(server.url)
        verdicts = [report.verdict for report in prober.check([due] * 5)]
    assert verdicts == [Verdict.UP] * 5
    methods = Counter(request.rpartition(b'"method":')[2] for request in server.requests)
    assert methods[b'"initialize"}'] == 0
    assert sum(b'"initialize"' in request for request in server.requests) == 1
    assert sum(b'"ping"' in request for request in server.requests) == 5


def test_a_worker_that_is_short_of_descriptors_blames_no_target(port: int, prober: Prober) -> None:
    with programs.modern(port) as healthy:
        due = [target(healthy.url, timeout_seconds=20) for _ in range(60)]
        with few_descriptors(left=20):
            verdicts = {report.verdict for report in prober.check(due)}
    assert verdicts <= {Verdict.UP, Verdict.DEGRADED}


@contextmanager
def few_descriptors(left: int) -> Iterator[None]:
    """Let this process open only a few more descriptors."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path("/dev/null").open("rb") as highest:
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest.fileno() + left, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
