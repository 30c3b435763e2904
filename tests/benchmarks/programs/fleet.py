"""A fleet of MCP servers that cost as little as can be: ``PORT`` on many loopback addresses.

``POST /hang/…`` is taken and never answered; everything else is answered as a server of the newest era would.
"""

import asyncio
import sys
from typing import Final

from typing_extensions import override

ADDRESSES: Final = 200

_DISCOVERED: Final = b'{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2026-07-28"]}}'
_LISTED: Final = b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"add","inputSchema":{"type":"object"}}]}}'


def _answer(body: bytes) -> bytes:
    # Ten thousand servers are ten thousand connections: none is used for two checks.
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


_ANSWERS: Final = (_answer(_DISCOVERED), _answer(_LISTED))


def addresses() -> list[str]:
    """Give the addresses that it listens on."""
    return [f"127.0.1.{number + 1}" for number in range(ADDRESSES)]


def url(number: int, port: int, *, hanging: float) -> str:
    """Give the endpoint of a server of the fleet; so large a share of them hangs."""
    place = "hang" if hanging and number % round(1 / hanging) == 0 else "well"
    return f"http://127.0.1.{number % ADDRESSES + 1}:{port}/{place}/{number}/mcp"


class Conversation(asyncio.Protocol):
    """One connection: a request, an answer, the end."""

    _transport: asyncio.Transport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self._heard = b""

    @override
    def data_received(self, data: bytes) -> None:
        self._heard += data
        if self._heard.startswith(b"POST /hang/") or not self._heard.endswith(b"}"):
            return
        self._transport.write(_ANSWERS[b"tools/list" in self._heard])
        self._transport.close()


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Conversation, addresses(), port, backlog=4_096)
    print("listening", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
