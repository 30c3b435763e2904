"""JSON-RPC 2.0 as MCP uses it: requests as bytes, answers as judged messages."""

import json
from dataclasses import dataclass
from typing import Any, Final

from .finding import quoted

# Each exchange has a connection's answer to itself, so one id tells answers from notifications.
REQUEST_ID: Final = 1

_MESSAGE_LIMIT: Final = 120


def request(method: str, params: dict[str, Any] | None = None) -> bytes:
    """Encode a request that wants an answer."""
    return _encoded({"id": REQUEST_ID, "method": method, "params": params})


def notification(method: str) -> bytes:
    """Encode a notification; nothing comes back."""
    return _encoded({"method": method})


def _encoded(fields: dict[str, Any]) -> bytes:
    present = {name: value for name, value in fields.items() if value is not None}
    return json.dumps({"jsonrpc": "2.0", **present}, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Failure:
    """The error member of an answer."""

    code: int
    message: str
    data: Any = None

    def __str__(self) -> str:
        """Say it in one line that is safe to store."""
        return f"error {self.code}: {quoted(self.message, _MESSAGE_LIMIT)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for our request: a result object or a failure, never both."""

    result: dict[str, Any] | None = None
    failure: Failure | None = None


def answer(text: bytes, *, any_id: bool = False) -> Answer | None:
    """Read the answer to our request out of one JSON text; ``None`` when it is something else.

    A server that refuses a request before it understood it may leave its id out (``any_id``).
    """
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return None
    if "method" in message or not (any_id or _is_ours(message.get("id"))):
        return None
    return _judged(message)


def _is_ours(answer_id: object) -> bool:
    return answer_id == REQUEST_ID and not isinstance(answer_id, bool)


def _judged(message: dict[str, Any]) -> Answer | None:
    result, error = message.get("result"), message.get("error")
    if isinstance(result, dict) and error is None:
        return Answer(result=result)
    if isinstance(error, dict) and result is None:
        return _failed(error)
    return None


def _failed(error: dict[str, Any]) -> Answer | None:
    code, message = error.get("code"), error.get("message")
    if not isinstance(code, int) or not isinstance(message, str):
        return None
    return Answer(failure=Failure(code, message, error.get("data")))
