"""The command lines of the servers that tests and the demo run."""

import shutil
import sys
from pathlib import Path
from typing import Final, Literal

from .running import RunningServer

Fault = Literal[
    "none",
    "slow",
    "http_500",
    "http_401",
    "html",
    "garbage",
    "endless",
    "no_tools",
    "session_lost",
    "crash",
    "ignores_sigterm",
]
"""What ``modern`` can do wrong; see ``faults``."""

_CHECKOUT: Final = Path(__file__).parents[2]
LEGACY_BIN: Final = _CHECKOUT / ".venv-legacy" / "bin"


class NotInstalled(Exception):
    """A server is not installed here; the message says how to get it."""


def modern(port: int, *, fault: Fault = "none", legacy: bool = False) -> RunningServer:
    """Give our own server on the official SDK; ``legacy`` makes it speak the older era only."""
    options = ["--fault", fault, *(["--legacy"] if legacy else [])]
    module = f"{__package__}.modern"
    command = [sys.executable, "-m", module, str(port), *options]
    return RunningServer(command, port, environment={"PYTHONPATH": str(_CHECKOUT)})


def clock(port: int, *, bin_folder: Path = LEGACY_BIN) -> RunningServer:
    """Give ``mcp-server-time`` behind ``mcp-proxy``: legacy era, two processes."""
    proxy, server = bin_folder / "mcp-proxy", bin_folder / "mcp-server-time"
    for program in (proxy, server):
        if not program.exists():
            raise NotInstalled(f"{program} is missing: run `make venv` in the checkout.")
    where = ["--host", "127.0.0.1", "--port", str(port)]
    return RunningServer([str(proxy), *where, "--pass-environment", str(server)], port)


def spreadsheets(port: int) -> RunningServer:
    """Give ``excel-mcp-server``: a package of the newest era with many tools."""
    program = shutil.which("excel-mcp-server", path=str(Path(sys.executable).parent))
    if program is None:
        raise NotInstalled("excel-mcp-server is missing: run `make venv` in the checkout.")
    where = ["--host", "127.0.0.1", "--port", str(port)]
    return RunningServer([program, "streamable-http", *where], port)
