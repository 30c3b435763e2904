"""As much of a store that speaks S3 as an archive needs: objects in memory, in parts, in ranges, or refused."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, urlsplit

_REFUSED: Final = (
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message>"
    b"<RequestId>1</RequestId></Error>"
)


class Objects(ThreadingHTTPServer):
    """Holds what was put; `refuses` answers whatever writes with Access Denied."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.held: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.refuses = False

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.server_port}"


class _Request(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Objects

    def do_PUT(self) -> None:
        key, asked = self._asked()
        body = self._body()
        if self.server.refuses:
            self._answer(HTTPStatus.FORBIDDEN, _REFUSED)
        elif "uploadId" in asked:
            self.server.parts[asked["uploadId"]][int(asked["partNumber"])] = body
            self._answer(HTTPStatus.OK, told={"ETag": '"part"'})
        else:
            self.server.held[key] = body
            self._answer(HTTPStatus.OK, told={"ETag": '"whole"'})

    def do_POST(self) -> None:
        key, asked = self._asked()
        self._body()
        if self.server.refuses:
            self._answer(HTTPStatus.FORBIDDEN, _REFUSED)
        elif "uploads" in asked:
            self.server.parts[key] = {}
            told = f"<InitiateMultipartUploadResult><UploadId>{key}</UploadId></InitiateMultipartUploadResult>"
            self._answer(HTTPStatus.OK, told.encode())
        else:
            parts = self.server.parts.pop(asked["uploadId"])
            self.server.held[key] = b"".join(parts[number] for number in sorted(parts))
            self._answer(
                HTTPStatus.OK,
                b"<CompleteMultipartUploadResult><ETag>&quot;whole&quot;</ETag></CompleteMultipartUploadResult>",
            )

    def do_HEAD(self) -> None:
        self._give()

    def do_GET(self) -> None:
        self._give()

    def do_DELETE(self) -> None:
        key, _ = self._asked()
        self.server.held.pop(key, None)
        self._answer(HTTPStatus.NO_CONTENT)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server calls it so
        del format, args

    def _give(self) -> None:
        key, _ = self._asked()
        held = self.server.held.get(key)
        if held is None:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        if span is None:
            self._answer(HTTPStatus.OK, held, told={"ETag": '"whole"'})
            return
        first, last = int(span[1]), min(int(span[2]), len(held) - 1)
        self._answer(
            HTTPStatus.PARTIAL_CONTENT,
            held[first : last + 1],
            told={"ETag": '"whole"', "Content-Range": f"bytes {first}-{last}/{len(held)}"},
        )

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, {name: value[0] for name, value in parse_qs(parts.query, keep_blank_values=True).items()}

    def _body(self) -> bytes:
        if "chunked" not in (self.headers.get("Transfer-Encoding") or ""):
            return _unsigned(self.rfile.read(int(self.headers.get("Content-Length") or 0)), self.headers)
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return _unsigned(body, self.headers)

    def _answer(self, status: HTTPStatus, body: bytes = b"", *, told: Mapping[str, str] = MappingProxyType({})) -> None:
        self.send_response(status)
        for name, value in told.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sat, 21 Nov 2026 12:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _unsigned(body: bytes, headers: object) -> bytes:
    """Take a body out of the chunks that AWS's clients sign one by one."""
    if "aws-chunked" not in (getattr(headers, "get")("Content-Encoding") or ""):  # noqa: B009  any mapping
        return body
    whole, rest = b"", body
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        if not size:
            break
        whole, rest = whole + rest[:size], rest[size + 2 :]
    return whole


@contextmanager
def objects() -> Iterator[Objects]:
    """Run the store for a while."""
    server = Objects()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
