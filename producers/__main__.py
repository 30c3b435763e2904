"""Send messages from a shell, `send instances.delete.v1 --json '{"instance_id": "…"}'`, or take log lines in."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, cast

from .errors import InvalidMessage, InvalidUrl, ProducerError
from .message import Message
from .messages import CONTRACTS
from .otlp import command as otlp
from .producer import connect
from .schemas import payload_schema
from .streams import command as logs

# The package has another name where it is installed as a distribution.
_PROGRAM = f"python -m {__package__}"


def main(arguments: list[str] | None = None) -> int:
    """Run a command and give back the exit code; errors are one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        if options.command in _RUNNING:
            return _RUNNING[options.command](options)
        print(_ANSWERING[options.command](options))
    except ProducerError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _send(options: argparse.Namespace) -> str:
    message = _message(options.wire_name, sys.stdin.read() if options.payload == "-" else options.payload)
    with connect(options.url or _url()) as producer:
        producer.send(message, durable=options.durable)
    return f"{message.wire_name} {message.message_id} is on queue {message.queue}"


def _contracts(_options: argparse.Namespace) -> str:
    width = max(map(len, CONTRACTS))
    return "\n".join(f"{name:<{width}}  {_summary(contract)}" for name, contract in CONTRACTS.items())


def _schema(options: argparse.Namespace) -> str:
    return json.dumps(payload_schema(_contract(options.wire_name)), indent=2)


def _receive_otlp(options: argparse.Namespace) -> int:
    return otlp.run(options, url=options.url or _url(), token=_setting("OTLP_TOKEN"))


def _ship_logs(options: argparse.Namespace) -> int:
    return logs.run(options, url=options.url or _url())


def _url() -> str:
    found = _setting("REDIS_URL")
    if not found:
        message = "no Redis to send to: give --url, or set REDIS_URL or REDIS_URL_FILE"
        raise InvalidUrl(message)
    return found


def _setting(name: str) -> str | None:
    """Give what a variable says, or the file that NAME_FILE names; None when neither does."""
    value, file = os.environ.get(name), os.environ.get(f"{name}_FILE")
    try:
        return value or (Path(file).read_text(encoding="utf-8").strip() if file else None) or None
    except (OSError, UnicodeDecodeError) as error:
        message = f"the file of {name}_FILE cannot be read: {error}"
        raise InvalidUrl(message) from None


_ANSWERING = {"send": _send, "contracts": _contracts, "schema": _schema}
_RUNNING = {"otlp": _receive_otlp, "logs": _ship_logs}


def _message(wire_name: str, payload: str) -> Message:
    try:
        fields: Any = json.loads(payload)
    except (ValueError, RecursionError) as error:
        message = f"--json is not JSON: {error}"
        raise InvalidMessage(message) from None
    if not isinstance(fields, dict):
        message = "--json must be an object with the fields of the message"
        raise InvalidMessage(message)
    return _contract(wire_name)(**cast("dict[str, Any]", fields))


def _contract(wire_name: str) -> type[Message]:
    try:
        return CONTRACTS[wire_name]
    except KeyError:
        message = f"no message is called {wire_name}: see `{_PROGRAM} contracts`"
        raise InvalidMessage(message) from None


def _summary(contract: type[Message]) -> str:
    return (contract.__doc__ or "").partition("\n")[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROGRAM, description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    send = commands.add_parser("send", help="enqueue one message")
    send.add_argument("wire_name", help="for example instances.delete.v1")
    send.add_argument(
        "--json", dest="payload", required=True, help="its fields as a JSON object; - reads standard input"
    )
    _add_url(send)
    send.add_argument("--durable", action="store_true", help="wait until Redis has it on disk")
    commands.add_parser("contracts", help="list the messages")
    schema = commands.add_parser("schema", help="print the JSON Schema of a message")
    schema.add_argument("wire_name")
    receive = commands.add_parser("otlp", help="take log records of OpenTelemetry over HTTP, until told to stop")
    _add_url(receive)
    otlp.add_arguments(receive)
    ship = commands.add_parser("logs", help="run a command and ship what it prints, or ship standard input")
    _add_url(ship)
    logs.add_arguments(ship)
    return parser


def _add_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help="default: REDIS_URL, or what the file named by REDIS_URL_FILE holds")


if __name__ == "__main__":
    sys.exit(main())
