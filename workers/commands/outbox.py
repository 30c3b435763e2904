"""``python -m workers outbox``: messages that services enqueue with SQL, until the inbox has them."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Final
from uuid import UUID

from db.engine import Database
from db.repositories.outbox import Unsettled, Waiting

from ..redaction import redacted_json
from .dead_letters import CommandError, plain

_WAITING: Final = f"{'queue':<12} {'unsent':>10} {'sent':>10} {'attempts':>9} {'late':>10}  oldest"
_UNSETTLED: Final = f"{'message id':<36}  {'wire name':<28} {'attempts':>9}  {'entered':<19}  sent"
_EMPTY: Final = "The outbox is empty."


def show_lag(database: Database, *, as_json: bool) -> str:
    """Give a line for each queue with messages that are not settled."""
    with database.transaction() as uow:
        waiting = uow.outbox.counts()
    if as_json:
        return json.dumps([_facts(each) for each in waiting], indent=2)
    return "\n".join([_WAITING, *map(_waiting_line, waiting)]) if waiting else _EMPTY


def show_list(database: Database, *, limit: int, as_json: bool) -> str:
    """Give a line for each message that is not settled, the oldest first."""
    with database.transaction() as uow:
        found = uow.outbox.list(limit=limit)
    if as_json:
        return json.dumps([_facts(each) for each in found], indent=2)
    return "\n".join([_UNSETTLED, *map(_unsettled_line, found)]) if found else _EMPTY


def show(database: Database, message_id: UUID, *, as_json: bool) -> str:
    """Give everything that is known of one message, its payload without secrets."""
    with database.transaction() as uow:
        found = uow.outbox.get(message_id)
    if found is None:
        message = f"the outbox has no message {message_id}: it was settled, or never entered"
        raise CommandError(message)
    facts = {**_facts(found), "payload": redacted_json(found.payload or {})}
    if as_json:
        return json.dumps(facts, indent=2)
    head = "\n".join(f"{key:<13} {value}" for key, value in facts.items() if key != "payload" and value is not None)
    return f"{head}\n\npayload\n{json.dumps(facts['payload'], indent=2, ensure_ascii=False)}"


def _facts(row: Unsettled | Waiting) -> dict[str, object]:
    facts = {key: _plain(value) for key, value in asdict(row).items()}
    return {key: value for key, value in facts.items() if key != "payload"}


def _plain(value: object) -> object:
    return value.total_seconds() if isinstance(value, timedelta) else plain(value)


def _waiting_line(waiting: Waiting) -> str:
    late = f"{waiting.late.total_seconds():,.0f} s"
    counts = f"{waiting.unsent:>10,} {waiting.sent:>10,} {waiting.most_attempts:>9,} {late:>10}"
    return f"{waiting.queue:<12} {counts}  {waiting.oldest_at:%Y-%m-%d %H:%M:%S}"


def _unsettled_line(row: Unsettled) -> str:
    sent = f"{row.sent_at:%Y-%m-%d %H:%M:%S}" if row.sent_at else "not yet"
    entered = f"{row.created_at:%Y-%m-%d %H:%M:%S}"
    return f"{row.message_id}  {row.wire_name:<28} {row.attempts:>9,}  {entered}  {sent}"
