"""A module for Dramatiq's own command line: its defaults, and log lines as a newcomer would store them."""

import os
from typing import Any
from uuid import UUID

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from db.models import LogLine
from producers import LogsEmitted
from producers.message_id import derived

NAMESPACE = "plain"
QUEUE = "instances"

broker = RedisBroker(url=os.environ["REDIS_URL"], namespace=NAMESPACE)  # type: ignore[no-untyped-call]  # Dramatiq does not type it
engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg://"))


@dramatiq.actor(broker=broker, queue_name=QUEUE)
def execute(payload: dict[str, Any], message_id: str) -> None:
    """Add an object for each line, in a transaction for each message."""
    message = LogsEmitted.received(payload, message_id=message_id)
    with Session(engine) as session:
        session.add_all(
            LogLine(
                id=derived(UUID(message_id), place),
                mcp_instance_id=line.instance_id,
                timestamp=line.timestamp,
                level=line.level,
                source=line.source,
                message=line.message,
                metadata_=line.metadata,
            )
            for place, line in enumerate(message.lines)
        )
        session.commit()
