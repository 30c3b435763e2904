"""The outbox: a message becomes part of a transaction of the caller's, in the database that MiniMCP lives in."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import UUID

from .envelope import MAX_BYTES, seal
from .message import Message

# The interface of the database that other languages call too; the client has no driver of its own.
_CALL: Final = (
    "SELECT public.enqueue_message(%(wire_name)s, CAST(%(payload)s AS jsonb),"
    " message_id => CAST(%(message_id)s AS uuid), due_at => CAST(%(due_at)s AS timestamptz))"
)


def enqueue(message: Message, execute: Callable[..., object], *, due_at: datetime | None = None) -> UUID:
    """Have a message sent once the caller's transaction commits, or not before ``due_at``, and give back its id.

    ``execute`` is psycopg's ``connection.execute`` or SQLAlchemy's ``connection.exec_driver_sql``.  The transaction
    says first for whom it works: ``app.user_id``, ``app.tenant_id`` or both.  Raises ``MessageTooLarge``, or whatever
    the driver raises when the database refuses.
    """
    seal(message, compress_from=MAX_BYTES)  # only to know whether it is too large
    values = {
        "wire_name": message.wire_name,
        "payload": message.model_dump_json(),
        "message_id": str(message.message_id),
        "due_at": None if due_at is None else due_at.isoformat(),
    }
    execute(_CALL, values)
    return message.message_id
