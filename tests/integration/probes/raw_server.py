"""A server that puts chosen bytes on the wire, for answers that no proper server gives."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

Behaviour = Callable[[socket.socket, "RawServer"], None]

MEBIBYTE: Final = 1024 * 1024


class RawServer:
    """Listens on a free port of 127.0.0.1 and does the same to every connection."""

    def __init__(self, behaviour: Behaviour, *, tls: ssl.SSLContext | None = None) -> None:
        self.stopping = threading.Event()
        self.bytes_sent = 0
        self.requests: list[bytes] = []
        self._behaviour = behaviour
        self._tls = tls
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def url(self) -> str:
        """Where to ask."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/"

    def send(self, connection: socket.socket, data: bytes) -> None:
        """Send and count."""
        connection.sendall(data)
        self.bytes_sent += len(data)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                request = connection.recv(65536)
                self.requests.append(request)
                if request.startswith(b"DELETE"):  # comes when it likes, between the others
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                else:
                    self._behaviour(connection, self)


def saying(*answers: str) -> Behaviour:
    """Answer the first request with the first text, and so on; the last one stays."""
    left = iter(answers)
    last = answers[-1]

    def behave(connection: socket.socket, server: RawServer) -> None:
        server.send(connection, next(left, last).replace("\n", "\r\n").encode())

    return behave


def page(status: str, body: str = "", **headers: str) -> str:
    """Write an HTTP answer that ends the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\n".join([*lines, "", body])


def hanging(connection: socket.socket, server: RawServer) -> None:
    """Take the request and say nothing."""
    del connection
    server.stopping.wait()


def dripping(connection: socket.socket, server: RawServer) -> None:
    """Begin an answer and let one byte fall now and then."""
    server.send(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not server.stopping.wait(0.05):
        server.send(connection, b".")


def flooding(connection: socket.socket, server: RawServer) -> None:
    """Answer with a gigabyte, for as long as somebody takes it."""
    gigabyte = 1024 * MEBIBYTE
    server.send(connection, f"HTTP/1.1 200 OK\r\nContent-Length: {gigabyte}\r\n\r\n".encode())
    for _ in range(1024):
        server.send(connection, b"x" * MEBIBYTE)


def hanging_up(connection: socket.socket, server: RawServer) -> None:
    """Take the request and close."""
    del connection, server
