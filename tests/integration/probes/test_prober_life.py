"""How the prober begins, ends and dies."""

import threading
from contextlib import closing
from pathlib import Path

import pytest

from producers import Probe, Verdict
from workers.probes.errors import ProberStopped
from workers.probes.http import HttpProbe
from workers.probes.prober import Prober
from workers.probes.settings import ProbeSettings

from .conftest import target, until
from .raw_server import RawServer, hanging, page, saying


def test_nothing_runs_after_the_end(prober: Prober) -> None:
    (thread,) = prober.threads()
    assert thread.is_alive()
    prober.close()
    prober.close()
    assert not thread.is_alive()
    with pytest.raises(ProberStopped):
        prober.check([])


def test_no_target_gives_no_report(prober: Prober) -> None:
    assert prober.check([]) == []


def test_a_check_that_runs_at_the_end_blames_no_target(prober: Prober) -> None:
    stopped = threading.Event()

    def check() -> None:
        with pytest.raises(ProberStopped):
            prober.check([target(silent.url, timeout_seconds=30)])
        stopped.set()

    with RawServer(hanging) as silent:
        checking = threading.Thread(target=check)
        checking.start()
        until(lambda: silent.requests != [])
        prober.close()
        assert not prober.threads()[0].is_alive()
        checking.join(5)
    assert stopped.is_set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_thread_is_seen_and_told_to_who_waits(prober: Prober) -> None:
    stopped = threading.Event()

    def check() -> None:
        with pytest.raises(ProberStopped):
            prober.check([target(silent.url, timeout_seconds=30)])
        stopped.set()

    with RawServer(hanging) as silent:
        checking = threading.Thread(target=check)
        checking.start()
        until(lambda: silent.requests != [])
        prober._loop.events.call_soon_threadsafe(_die)
        checking.join(5)
        until(lambda: not prober.threads()[0].is_alive())
    assert stopped.is_set()
    with pytest.raises(ProberStopped):
        prober.check([])


def _die() -> None:
    raise SystemExit


def test_a_gap_in_a_probe_costs_its_target_a_verdict_and_nothing_else(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fall(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(HttpProbe, "probe", fall)
    (report,) = prober.check([target("http://127.0.0.1:1/", Probe.HTTP)])
    assert report.verdict is Verdict.PROTOCOL_ERROR
    assert report.error == "The probe failed on the answer (ZeroDivisionError)."


def test_a_certificate_file_that_is_missing_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Prober(ProbeSettings(ca_file=tmp_path / "missing.pem"))


def test_a_session_that_makes_room_for_another_is_ended() -> None:
    opened = page(
        "200 OK",
        '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18"}}',
        Mcp_Session_Id="one",
    )
    alive = page("200 OK", '{"jsonrpc":"2.0","id":1,"result":{}}')
    with (
        RawServer(saying(page("400 What"), opened, page("202 Accepted"), alive)) as eldest,
        RawServer(saying(page("500 Oh"))) as other,
        closing(Prober(ProbeSettings(conversation_limit=1))) as prober,
    ):
        assert prober.check([target(eldest.url)])[0].verdict is Verdict.UP
        prober.check([target(other.url)])
        until(lambda: any(request.startswith(b"DELETE") for request in eldest.requests))
        (farewell,) = [one for one in eldest.requests if one.startswith(b"DELETE")]
    assert b"Mcp-Session-Id: one" in farewell
