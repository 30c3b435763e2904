"""The receiver of OTLP as an operator starts it, and what asks it."""

import http.client
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tests.acceptance.processes import RunningProcess, started
from tests.unit.producers.exports import PROTOBUF


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RunningReceiver:
    """A receiver and the port that it listens on."""

    process: RunningProcess
    port: int

    def post(self, body: bytes, content_type: str = PROTOBUF, path: str = "/v1/logs", **headers: str) -> Answer:
        """Send a body."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, body, {"content-type": content_type, **given})

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Answer:
        """Ask for anything."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, headers or {})
            with connection.getresponse() as response:
                told = {name.lower(): value for name, value in response.getheaders()}
                return Answer(response.status, told, response.read())


@contextmanager
def receiving(url: str, *options: str, **environment: str) -> Iterator[RunningReceiver]:
    """Run `python -m producers otlp` on a free port."""
    with started("-m", "producers", "otlp", "--port", "0", *options, REDIS_URL=url, **environment) as process:
        process.wait_for_line("running on")
        found = re.search(r"http://[\w.]+:(\d+)", process.log)
        assert found, process.log
        yield RunningReceiver(process, int(found[1]))
