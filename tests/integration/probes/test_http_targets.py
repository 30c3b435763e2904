"""Every verdict of a plain GET, given by real sockets on 127.0.0.1."""

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from producers import Probe, Verdict
from workers.probes.finding import Finding
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings

from .certificates import self_signed
from .conftest import target
from .raw_server import (
    MEBIBYTE,
    RawServer,
    dripping,
    flooding,
    hanging,
    hanging_up,
    page,
    saying,
)

Ask = Callable[..., Finding]


@pytest.mark.parametrize("status", ["200 OK", "204 No Content"])
def test_any_success_is_up(status: str, ask_http: Ask) -> None:
    with RawServer(saying(page(status))) as server:
        report = ask_http(server.url)
    assert (report.verdict, report.error, report.era) == (Verdict.UP, None, None)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_an_auth_wall_is_told_from_an_outage(status: str, ask_http: Ask) -> None:
    with RawServer(saying(page(status))) as server:
        assert ask_http(server.url).verdict is Verdict.AUTH_REQUIRED


@pytest.mark.parametrize("status", ["500 Oh", "503 No", "404 Not Found", "304 Not Modified"])
def test_any_other_status_breaks_the_protocol(status: str, ask_http: Ask) -> None:
    with RawServer(saying(page(status))) as server:
        report = ask_http(server.url)
    assert report.verdict is Verdict.PROTOCOL_ERROR
    assert report.error == f"Answers with HTTP {status[:3]}."


def test_a_port_nobody_listens_on_is_unreachable(port: int, ask_http: Ask) -> None:
    report = ask_http(f"http://127.0.0.1:{port}/")
    assert report.verdict is Verdict.UNREACHABLE
    assert report.error == f"Nobody listens on 127.0.0.1 port {port}: connection refused."


def test_a_name_that_does_not_resolve_is_unreachable(ask_http: Ask) -> None:
    report = ask_http("http://no-such-host.invalid/", timeout_seconds=30)
    assert report.verdict is Verdict.UNREACHABLE
    assert report.error is not None
    assert report.error.startswith("The name no-such-host.invalid does not resolve: ")


@pytest.mark.parametrize("url", [f"http://{'a' * 70}.invalid/", "http://2130706433/", "http://[::1/", "http:///path"])
def test_a_url_that_nobody_can_ask_is_unreachable(url: str, ask_http: Ask) -> None:
    assert ask_http(url).verdict is Verdict.UNREACHABLE


def test_a_certificate_that_is_not_trusted_is_unreachable(tmp_path: Path, ask_http: Ask) -> None:
    context, _ = self_signed(tmp_path)
    with RawServer(saying(page("200 OK")), tls=context) as server:
        report = ask_http(server.url)
    assert report.verdict is Verdict.UNREACHABLE
    assert report.error == (
        f"The TLS certificate of 127.0.0.1 port {server.port} is not accepted: self-signed certificate."
    )


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ({"address": "127.0.0.2"}, "IP address mismatch"),
        ({"ends_in": timedelta(minutes=-1)}, "certificate has expired"),
    ],
    ids=["of another host", "expired"],
)
def test_a_certificate_that_does_not_hold_is_unreachable_whoever_signed_it(
    certificate: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    context, trusted = self_signed(tmp_path, **certificate)
    with (
        RawServer(saying(page("200 OK")), tls=context) as server,
        closing(Prober(ProbeSettings(ca_file=trusted))) as prober,
    ):
        (report,) = prober.check([target(server.url, Probe.HTTP)])
    assert report.verdict is Verdict.UNREACHABLE
    assert f"is not accepted: {reason}" in str(report.error)


def test_a_certificate_that_the_operator_trusts_is_up(tmp_path: Path) -> None:
    context, trusted = self_signed(tmp_path)
    with (
        RawServer(saying(page("200 OK")), tls=context) as server,
        closing(Prober(ProbeSettings(ca_file=trusted))) as prober,
    ):
        (report,) = prober.check([target(server.url, Probe.HTTP)])
    assert report.verdict is Verdict.UP


def test_a_server_without_tls_asked_for_it_is_unreachable(ask_http: Ask) -> None:
    with RawServer(saying(page("400 What"))) as server:
        report = ask_http(server.url.replace("http:", "https:"))
    assert report.verdict is Verdict.UNREACHABLE
    assert "TLS" in str(report.error)


def test_a_server_that_hangs_up_is_unreachable(ask_http: Ask) -> None:
    with RawServer(hanging_up) as server:
        report = ask_http(server.url)
    assert report.verdict is Verdict.UNREACHABLE
    assert "closed the connection" in str(report.error)


@pytest.mark.parametrize(
    "answer",
    [
        "SSH-2.0-OpenSSH_9.9\n",
        "HTTP/1.1 200 OK\nContent-Length: 9\n\nhalf",
        f"HTTP/1.1 200 OK\nX-Long: {'x' * 100_000}\n\n",
    ],
)
def test_an_answer_that_is_not_whole_http_breaks_the_protocol(answer: str, ask_http: Ask) -> None:
    with RawServer(saying(answer)) as server:
        assert ask_http(server.url).verdict is Verdict.PROTOCOL_ERROR


def test_a_few_redirects_are_followed(ask_http: Ask) -> None:
    moved = page("301 Moved", Location="/next")
    with RawServer(saying(moved, moved, moved, page("200 OK"))) as server:
        assert ask_http(server.url).verdict is Verdict.UP
    assert len(server.requests) == 4


def test_a_redirect_loop_breaks_the_protocol(ask_http: Ask) -> None:
    with RawServer(saying(page("302 Found", Location="/"))) as server:
        report = ask_http(server.url)
    assert (report.verdict, report.error) == (
        Verdict.PROTOCOL_ERROR,
        "Redirects more than 3 times.",
    )
    assert len(server.requests) == 4


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://[::1"])
def test_a_redirect_out_of_the_web_is_not_followed(location: str, ask_http: Ask) -> None:
    with RawServer(saying(page("302 Found", Location=location))) as server:
        report = ask_http(server.url)
    assert report.verdict is Verdict.PROTOCOL_ERROR
    assert report.error is not None
    assert location not in report.error


def test_a_server_that_never_answers_is_timed_out(ask_http: Ask) -> None:
    with RawServer(hanging) as server:
        report = ask_http(server.url, timeout_seconds=0.3)
    assert report.verdict is Verdict.TIMEOUT
    assert report.error == "No complete answer within 0.3 s; ended while waiting for the answer."


def test_a_body_that_never_ends_is_timed_out(ask_http: Ask) -> None:
    with RawServer(dripping) as server:
        report = ask_http(server.url, timeout_seconds=0.3)
    assert report.verdict is Verdict.TIMEOUT
    assert report.error == "No complete answer within 0.3 s; ended while reading the answer."


@contextmanager
def measured_memory() -> Iterator[Callable[[], int]]:
    """Give what tells how many bytes this process had at once."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("probe", "verdict"), [(Probe.HTTP, Verdict.UP), (Probe.MCP, Verdict.PROTOCOL_ERROR)])
def test_of_a_gigabyte_only_the_beginning_is_taken(probe: Probe, verdict: Verdict, prober: Prober) -> None:
    with RawServer(flooding) as server, measured_memory() as peak:
        (report,) = prober.check([target(server.url, probe)])
        # What the flooding server itself holds is a part of it.
        assert MEBIBYTE < peak() < 16 * MEBIBYTE
    assert report.verdict is verdict
    # What the two kernels hold for a connection goes out as well; it is not ours.
    assert server.bytes_sent < 32 * MEBIBYTE


def test_no_secret_of_a_url_gets_into_a_report(port: int, ask_http: Ask) -> None:
    secret = "sk-4f1c7a9e"
    asked = f"http://user:{secret}@127.0.0.1:{port}/{secret}?key={secret}"
    assert secret not in str(ask_http(asked).error)
    for behaviour in (hanging_up, saying(page("302 Found", Location=f"ftp://x/{secret}"))):
        with RawServer(behaviour) as server:
            asked = f"http://user:{secret}@127.0.0.1:{server.port}/{secret}?key={secret}"
            assert secret not in str(ask_http(asked).error)
