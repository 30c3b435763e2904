"""A module for Dramatiq's own command line: its defaults, and our actor with a transaction for each message."""

import os
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from db.engine import Database
from db.settings import DatabaseSettings
from producers import CreateInstance
from workers.actors.instances import create

NAMESPACE = "plain"
QUEUE = "instances"

broker = RedisBroker(url=os.environ["REDIS_URL"], namespace=NAMESPACE)  # type: ignore[no-untyped-call]  # Dramatiq does not type it
database = Database(DatabaseSettings(url=os.environ["DATABASE_URL"]))


@dramatiq.actor(broker=broker, queue_name=QUEUE)
def execute(payload: dict[str, Any], message_id: str) -> None:
    """Apply a message as our workers do when it comes alone."""
    message = CreateInstance.received(payload, message_id=message_id)
    with database.transaction() as uow:
        if uow.inbox.claim(message.message_id, message.wire_name):
            create.apply(message, uow)
