"""Valid fields to spoil one by one, and values that are wrong in themselves."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from producers import CreateInstance, HealthReport, LogLine, LogsEmitted

USER = UUID(int=7)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def wish(**changes: Any) -> CreateInstance:  # noqa: ANN401  wrong types are what most callers pass
    """Make a valid CreateInstance, but for the changes."""
    fields: dict[str, Any] = {
        "instance_id": uuid4(),
        "user_id": uuid4(),
        "mcp_type": "figma",
        "access_token_hash": "a" * 64,
    }
    return CreateInstance(**fields | changes)


def line(**changes: Any) -> LogLine:  # noqa: ANN401  wrong types are what most callers pass
    """Make a valid line, but for the changes."""
    fields: dict[str, Any] = {"instance_id": uuid4(), "timestamp": NOON, "message": "listening"}
    return LogLine(**fields | changes)


def report(**changes: Any) -> HealthReport:  # noqa: ANN401  wrong types are what most callers pass
    """Make a valid report, but for the changes."""
    fields: dict[str, Any] = {"instance_id": uuid4(), "scheduled_at": NOON, "checked_at": NOON, "verdict": "up"}
    return HealthReport(**fields | changes)


def batch(*lines: LogLine) -> LogsEmitted:
    """Make a batch of lines."""
    return LogsEmitted(lines=list(lines))


def nested(depth: int) -> dict[str, Any]:
    """Make an object that is so many levels deep."""
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"in": value}
    return value
