"""Deliveries as tests need them: good, late, changed on the way."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from db.engine import Database
from producers import CreateInstance, Message
from producers import message_id as ids
from producers.envelope import seal
from tests.databases import TestDatabase
from workers.actor import AnyActor
from workers.applier import Applier
from workers.delivery import Delivery
from workers.group import GroupApplier
from workers.janitor import _envelope
from workers.resources import Resources

USER: Final = UUID(int=7)


def make_applier(database: Database, resources: Resources, *actors: AnyActor) -> Applier:
    by_name = {each.contract.wire_name: each for each in actors}
    return Applier(database, resources, by_name, stopping=threading.Event())


def make_group_applier(database: Database, resources: Resources, *actors: AnyActor) -> GroupApplier:
    by_name = {each.contract.wire_name: each for each in actors}
    return GroupApplier(database, make_applier(database, resources, *actors), by_name, stopping=threading.Event())


def delivered(message: Message, *, earlier: int = 0, **options: object) -> Delivery:
    return repacked(seal(message), earlier=earlier, **options)


def repacked(raw: bytes, *, earlier: int = 0, **options: object) -> Delivery:
    envelope = json.loads(raw)
    envelope["options"] |= options
    return Delivery.unpack(envelope["queue_name"], envelope["message_id"], json.dumps(envelope).encode(), earlier)


def changed(message: Message, **fields: object) -> Delivery:
    envelope = json.loads(seal(message))
    envelope["args"][0] |= fields
    return repacked(json.dumps(envelope).encode())


def create(**fields: object) -> CreateInstance:
    given: dict[str, object] = {"instance_id": uuid4(), "user_id": USER, "mcp_type": "figma"}
    return CreateInstance.model_validate(given | {"access_token_hash": uuid4().hex * 2} | fields)


def reasons(database: TestDatabase) -> list[object]:
    return [reason for (reason,) in database.ask("SELECT reason FROM dead_letters ORDER BY created_at")]


def with_id(message: Message, message_id: str) -> bytes:
    envelope = json.loads(seal(message))
    envelope["message_id"] = message_id
    return json.dumps(envelope).encode()


def id_at(offset: timedelta) -> str:
    return str(ids.of_tick("x", datetime.now(UTC) + offset))


def due(database: Database, wire_names: list[str]) -> list[Delivery]:
    """Take what the database has put by until now, as a janitor does."""
    with database.transaction() as uow:
        rows = uow.redeliveries.due(wire_names=wire_names, limit=10, lease_seconds=60)
    return [Delivery.unpack(row.queue, str(row.message_id), _envelope(row), 0) for row in rows]
