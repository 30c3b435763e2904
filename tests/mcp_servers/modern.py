"""A real MCP server on the official SDK, whose faults can be switched while it runs.

python -m tests.mcp_servers.modern PORT [--legacy] [--fault NAME] [--amount N]

GET /health answers as the MCP endpoint /mcp does: rightly, until a fault is switched on.
"""

import argparse
import logging
import signal
import sys
from types import FrameType

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from typing_extensions import override

from .faults import FAULTS, Faults

log = logging.getLogger("clerk")

_LOG_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Server(uvicorn.Server):
    """Serves until SIGTERM, unless the fault is to ignore it."""

    def __init__(self, config: uvicorn.Config, faults: Faults) -> None:
        super().__init__(config)
        self._faults = faults

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self._faults.name == "ignores_sigterm":
            log.error("asked to stop, but does not listen")
            return
        super().handle_exit(sig, frame)


def add(left: int, right: int) -> int:
    """Add two numbers."""
    log.info("adding %d and %d", left, right)
    return left + right


def clerk() -> MCPServer:
    """Make a server with a tool, a resource and a health endpoint."""
    server = MCPServer("clerk", version="1.0")
    server.add_tool(add)

    @server.resource("ledger://sums", name="sums", description="All sums so far.", mime_type="text/plain")
    def sums() -> str:
        return "none"

    @server.custom_route("/health", methods=["GET"])  # type: ignore[untyped-decorator] # SDK 2.3
    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return server


def main() -> None:
    """Serve on 127.0.0.1 until asked to stop."""
    parser = argparse.ArgumentParser(description="An MCP server with faults, for tests.")
    parser.add_argument("port", type=int)
    parser.add_argument("--legacy", action="store_true", help="speak only the older era")
    parser.add_argument("--fault", choices=FAULTS, default="none")
    parser.add_argument("--amount", type=float, default=1.0, help="seconds, or requests")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format=_LOG_LINE, stream=sys.stdout)
    server = clerk()

    def switched(fault: str) -> None:
        has_tools = bool(server._tool_manager.list_tools())
        if fault == "no_tools" and has_tools:
            server.remove_tool("add")
        elif fault != "no_tools" and not has_tools:
            server.add_tool(add)

    app = server.streamable_http_app(host="127.0.0.1")
    faults = Faults(app, name=chosen.fault, amount=chosen.amount, legacy=chosen.legacy, switched=switched)
    config = uvicorn.Config(faults, host="127.0.0.1", port=chosen.port, log_config=None)
    Server(config, faults).run()


if __name__ == "__main__":
    main()
