"""The MCP servers, run as a small agent on their host would run them.

The workers never start a server: whoever does reports it through the public client, as here.
"""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID

import psutil

from db.repositories.fleet import InstanceState
from producers import InstanceFailed, InstanceStarted, LogLine, LogsEmitted, Producer
from producers.messages.logs import Level
from tests.mcp_servers import programs
from tests.mcp_servers.running import PrintedLine, RunningServer

Kind = Literal["spreadsheets", "clock"]

HOST: Final = "127.0.0.1"

_LINES_OF_A_BATCH: Final = 1_000
_HEAD: Final = 48
_LEVEL: Final = re.compile(r"^\[(?P<initial>[DIWEC]) |\b(?P<word>DEBUG|INFO|WARN|ERROR|CRITICAL|FATAL)", re.IGNORECASE)
_LEVELS: Final[Mapping[str, Level]] = {"D": "debug", "I": "info", "W": "warn", "E": "error", "C": "error", "F": "error"}


def spreadsheets(port: int) -> RunningServer:
    """Give `excel-mcp-server`, a package on the official SDK that speaks the newest era."""
    program = shutil.which("excel-mcp-server", path=str(Path(sys.executable).parent))
    if program is None:
        raise programs.NotInstalled("excel-mcp-server is missing: run `make venv` in the checkout.")
    where = ["--host", HOST, "--port", str(port)]
    # By itself it logs warnings only, folded at 80 columns.
    return RunningServer(
        [program, "streamable-http", "--log-level", "INFO", *where], port, environment={"COLUMNS": "200"}
    )


SERVERS: Final[Mapping[str, Callable[[int], RunningServer]]] = {"spreadsheets": spreadsheets, "clock": programs.clock}

CALLS: Final[Mapping[str, Sequence[tuple[str, dict[str, Any]]]]] = {
    "spreadsheets": (
        ("create_workbook", {"path": "fleet.xlsx"}),
        ("list_workbooks", {}),
        ("read_range", {"path": "missing.xlsx", "sheet": "Sheet1", "range": "A1"}),
    ),
    "clock": (
        ("get_current_time", {"timezone": "Europe/Berlin"}),
        ("get_current_time", {"timezone": "Atlantis/Capital"}),
    ),
}
"""What a user of the servers asks of them; the last question of each cannot be answered."""


class Agent:
    """Runs servers on this host, and reports to MiniMCP what becomes of them."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._servers: dict[UUID, RunningServer] = {}

    def launch(self, instance: InstanceState) -> RunningServer:
        """Start the server of an instance on the port that was leased to it, and report the start."""
        server = SERVERS[instance.mcp_type](instance.port or 0)
        self._servers[instance.id] = server
        server.start()
        started_at = datetime.fromtimestamp(psutil.Process(server.pid).create_time(), UTC)
        self._producer.send(
            InstanceStarted(instance_id=instance.id, host_id=HOST, process_id=server.pid, process_started_at=started_at)
        )
        return server

    def ship(self) -> int:
        """Send the lines that the servers have printed since the last time; says how many."""
        lines = [line for instance_id, server in self._servers.items() for line in _lines(instance_id, server)]
        for start in range(0, len(lines), _LINES_OF_A_BATCH):
            self._producer.send(LogsEmitted(lines=lines[start : start + _LINES_OF_A_BATCH]))
        return len(lines)

    def kill(self, instance_id: UUID) -> list[int]:
        """Kill a server with everything that it started; gives the process group of each process killed."""
        server = self._servers[instance_id]
        parent = psutil.Process(server.pid)
        groups = [os.getpgid(process.pid) for process in (parent, *parent.children(recursive=True))]
        server.kill()
        return groups

    def report_failure(self, instance_id: UUID, error: str) -> None:
        """Say that the process of an instance has ended by itself."""
        self._producer.send(InstanceFailed(instance_id=instance_id, error=error))

    def stop(self) -> None:
        """End every server."""
        for server in self._servers.values():
            server.stop()


def check_installed() -> None:
    """Raise `NotInstalled` when one of the servers is missing, before anybody waits for it."""
    for server in SERVERS.values():
        server(0)


def work_with(url: str, kind: str) -> list[str]:
    """Use a server as its user would, through the official client; gives the answers, whichever era it speaks."""
    return asyncio.run(_work_with(url, kind))


def level_of(text: str) -> Level:
    """Recognise the level that a line names at its beginning; a line that names none is information."""
    found = _LEVEL.search(text[:_HEAD])
    return "info" if found is None else _LEVELS[(found["initial"] or found["word"])[0].upper()]


def _lines(instance_id: UUID, server: RunningServer) -> Iterator[LogLine]:
    for printed in server.lines():
        if printed.text.strip():
            yield _line(instance_id, printed)


def _line(instance_id: UUID, printed: PrintedLine) -> LogLine:
    level = level_of(printed.text)
    return LogLine(instance_id=instance_id, timestamp=printed.printed_at, level=level, message=printed.text)


async def _work_with(url: str, kind: str) -> list[str]:
    from mcp import Client  # noqa: PLC0415  it takes a second, which nobody shall wait for before the first act

    answers = []
    async with Client(url) as client:
        for tool, arguments in CALLS[kind]:
            answer = await client.call_tool(tool, arguments)
            text = next((part.text for part in answer.content if part.type == "text"), "")
            answers.append(" ".join(text.split()))
    return answers
