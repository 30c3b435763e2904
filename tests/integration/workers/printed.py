"""Lines that instances have printed before a test begins."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from db.engine import Database
from db.lines import Batch
from db.repositories.logs import Logs
from producers.message_id import derived, new
from workers.applier import Applier

from .deliveries import create, delivered

NOW: Final = datetime.now(UTC)


def an_instance(applier: Applier) -> UUID:
    wanted = create()
    applier(delivered(wanted))
    return wanted.instance_id


def printed(database: Database, instance_id: UUID, *messages: str, at: datetime = NOW, **fields: object) -> None:
    message_id = new()
    usual: dict[str, Any] = {"level": "info", "source": "process", "metadata": {}} | fields
    count = len(messages)
    batch = Batch(
        message_id=message_id,
        received_at=at,
        ids=[derived(message_id, n).bytes for n in range(count)],
        numbers=range(1, count + 1),
        instance_ids=[str(instance_id)] * count,
        timestamps=[at + timedelta(milliseconds=n) for n in range(count)],
        levels=[usual["level"]] * count,
        sources=[usual["source"]] * count,
        messages=messages,
        metadata=[json.dumps(usual["metadata"]).encode()] * count,
    )
    with database.transaction() as uow:
        uow.logs.ingest([batch])


def noting(monkeypatch: pytest.MonkeyPatch, method: str) -> list[Any]:
    """Note what each statement of a method finds from now on."""
    found: list[Any] = []
    run = getattr(Logs, method)

    def noted(*arguments: object, **options: object) -> object:
        found.append(run(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(Logs, method, noted)
    return found
