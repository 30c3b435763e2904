"""A network between a client and Redis that can be cut, and that can lose one reply."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class FaultyNetwork:
    """Forwards TCP connections on 127.0.0.1 until it is told to misbehave."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._down = threading.Event()
        self._lose_reply_to: bytes | None = None
        self._links: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.lost_replies = 0

    @property
    def url(self) -> str:
        """Where clients reach Redis through this network."""
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        """Begin to forward."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close everything."""
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self._down.set()
        for link in list(self._links):
            _close(link)
        self._links.clear()

    def mend(self) -> None:
        """Forward again."""
        self._down.clear()

    def lose_reply_to(self, request: bytes) -> None:
        """Let the next request that contains these bytes arrive, and break its connection before the reply."""
        self._lose_reply_to = request

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._down.is_set():
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._target))
            self._links |= {client, server}
            if self._down.is_set():  # it was cut while we connected, and did not know of these
                self.cut()
                continue
            doomed = threading.Event()
            threading.Thread(target=self._forward_requests, args=(client, server, doomed), daemon=True).start()
            threading.Thread(target=self._forward_replies, args=(server, client, doomed), daemon=True).start()

    def _forward_requests(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65_536):
                if self._lose_reply_to is not None and self._lose_reply_to in data:
                    self._lose_reply_to = None
                    doomed.set()
                server.sendall(data)
        _close(client)
        _close(server)

    def _forward_replies(self, server: socket.socket, client: socket.socket, doomed: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65_536):
                if doomed.is_set():
                    self.lost_replies += 1
                    break
                client.sendall(data)
        _close(server)
        _close(client)


def _close(link: socket.socket) -> None:
    with contextlib.suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
    link.close()
