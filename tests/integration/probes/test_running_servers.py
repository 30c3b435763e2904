"""A server that a test runs leaves nothing behind, whatever it does against its end."""

import os
import signal
import sys
import time

import psutil
import pytest

from tests.mcp_servers import programs
from tests.mcp_servers.family import is_alive
from tests.mcp_servers.running import RunningServer, ServerNotStarted

from .conftest import until


def test_a_server_that_ignores_sigterm_is_ended(port: int) -> None:
    with programs.modern(port, fault="ignores_sigterm") as server:
        process = psutil.Process(server.pid)
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(0.2)
        assert is_alive(process)
        server.stop(patience_seconds=0.2)
        assert not is_alive(process)


def test_a_child_in_a_session_of_its_own_ends_with_its_server(port: int) -> None:
    try:
        server = programs.clock(port)
    except programs.NotInstalled as reason:
        pytest.skip(str(reason))
    with server:
        (child,) = psutil.Process(server.pid).children()
        assert os.getsid(child.pid) != os.getsid(server.pid)
    assert not is_alive(child)


def test_a_child_that_outlives_its_crashed_server_is_ended(port: int) -> None:
    try:
        server = programs.clock(port)
    except programs.NotInstalled as reason:
        pytest.skip(str(reason))
    with server:
        (child,) = psutil.Process(server.pid).children()
        os.kill(child.pid, signal.SIGSTOP)
        os.kill(server.pid, signal.SIGKILL)
        assert is_alive(child)
    assert not is_alive(child)


def test_a_server_that_does_not_start_says_what_it_printed(port: int) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no paper')"]
    with pytest.raises(ServerNotStarted, match="no paper"):
        RunningServer(command, port).start()


def test_what_a_server_prints_is_given_once(port: int) -> None:
    with programs.modern(port) as server:
        until(lambda: any("Uvicorn running on" in line.text for line in server.lines()))
        assert not any("Uvicorn running on" in line.text for line in server.lines())
