"""The embedded PostgreSQL, started for real."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from embedded import PostgresServer, ServerNotStarted, server


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[PostgresServer]:
    """A fresh server; slow disks do not matter to what is tested here."""
    with PostgresServer(tmp_path / "postgres", settings={"fsync": "off"}) as running:
        yield running


def ask(running: PostgresServer, query: str) -> object:
    with psycopg.connect(running.url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_it_answers_at_its_url_as_superuser_with_the_settings_asked_for(
    postgres: PostgresServer,
) -> None:
    assert ask(postgres, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert ask(postgres, "SHOW fsync") == "off"
    assert ask(postgres, "SHOW timezone") == "UTC"
    assert ask(postgres, "SELECT lower('ÄÖ')") == "äö"


@pytest.mark.parametrize("end", ["stop", "stop_at_once", "kill"])
def test_data_and_port_stay_however_it_ends(postgres: PostgresServer, end: str) -> None:
    url = postgres.url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    if end == "kill":
        postgres.kill()
    else:
        postgres.stop(immediate=end == "stop_at_once")
    assert not postgres.running
    postgres.start()
    assert postgres.url == url
    assert ask(postgres, "SELECT answer FROM kept") == 42


def test_it_listens_on_loopback_only(postgres: PostgresServer) -> None:
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(postgres.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_it_starts_over_a_crash_whose_pid_another_process_has_now(
    postgres: PostgresServer,
) -> None:
    postgres.kill()
    pid_file = postgres.data_dir / "cluster" / "postmaster.pid"
    lines = pid_file.read_text(encoding="utf-8").splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", encoding="utf-8")
    postgres.start()
    assert ask(postgres, "SELECT 1") == 1


def test_two_servers_never_share_their_data(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.1)
    with pytest.raises(ServerNotStarted, match="stop it first"):
        PostgresServer(postgres.data_dir).start()
    assert ask(postgres, "SELECT 1") == 1


def test_a_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerNotStarted, match="no_such_setting"):
        PostgresServer(tmp_path / "postgres", settings={"no_such_setting": "1"}).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may not run PostgreSQL itself")
def test_root_runs_it_as_somebody_else_and_opens_no_folder(postgres: PostgresServer) -> None:
    assert psutil.Process(postgres.pid).uids().real != 0
    assert not postgres.data_dir.parent.stat().st_mode & 0o007


def test_a_frozen_server_is_killed_when_it_does_not_stop(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STOP_SECONDS", 0.2)
    os.kill(postgres.pid, signal.SIGSTOP)
    postgres.stop()
    assert not psutil.pid_exists(postgres.pid)
