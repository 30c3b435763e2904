"""A network that counts how often a client waits for replies."""

import socket
import threading
from types import TracebackType
from typing import Final, Self

_SILENCE: Final = 0.25


class CountedExchanges:
    """Forwards one connection: all that the client says until it waits, then all that the server answers."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.count = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self._thread.join(5)

    def _forward(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            while said := _all_until_silence(client):
                self.count += 1
                server.sendall(said)
                client.sendall(_all_until_silence(server))


def _all_until_silence(speaker: socket.socket) -> bytes:
    """Wait for the first bytes, and then until no more come; nothing means that the speaker hung up."""
    speaker.settimeout(30)
    heard = chunk = speaker.recv(1 << 20)
    speaker.settimeout(_SILENCE)
    while chunk:
        try:
            chunk = speaker.recv(1 << 20)
        except TimeoutError:
            return heard
        heard += chunk
    return heard
