"""`python -m producers otlp`: what can be said on the command line."""

import argparse
import ipaddress
from dataclasses import dataclass
from typing import Final

from ..errors import ExtraMissing, InsecureAddress

PORT: Final = 4318
MOST_BYTES: Final = 4 * 1_048_576
MOST_WAITING: Final = 5_000


@dataclass(frozen=True)
class Options:
    """Where the receiver listens, where it sends, and what it takes."""

    url: str
    host: str = "127.0.0.1"
    port: int = PORT
    token: str | None = None
    most_bytes: int = MOST_BYTES
    most_waiting: int = MOST_WAITING
    durable: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=PORT, help="the port to listen on (default: %(default)s)")
    parser.add_argument("--open", action="store_true", help="listen beyond this machine without OTLP_TOKEN")
    parser.add_argument(
        "--most-bytes", type=int, default=MOST_BYTES, help="of a body, compressed or not (default: %(default)s)"
    )
    parser.add_argument(
        "--most-waiting", type=int, default=MOST_WAITING, help="messages in a queue, then 429 (default: %(default)s)"
    )
    parser.add_argument("--durable", action="store_true", help="answer when Redis has the lines on disk")


def run(arguments: argparse.Namespace, *, url: str, token: str | None) -> int:
    """Receive until told to stop."""
    try:
        from .server import serve  # noqa: PLC0415  only who runs this command needs the extra
    except ImportError as error:
        message = f"{error.name} is not installed: pip install 'minimcp-producers[otlp]'"
        raise ExtraMissing(message) from error
    if token is None and not arguments.open and not _on_this_machine(arguments.host):
        message = f"on {arguments.host} everybody could write lines: set OTLP_TOKEN or OTLP_TOKEN_FILE, or say --open"
        raise InsecureAddress(message)
    options = Options(
        url=url,
        host=arguments.host,
        port=arguments.port,
        token=token,
        most_bytes=arguments.most_bytes,
        most_waiting=arguments.most_waiting,
        durable=arguments.durable,
    )
    serve(options)
    return 0


def _on_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
