"""``python -m workers dead-letters``: look at what was given up, send it again, or let it go."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from db.engine import Database
from db.repositories.dead_letters import DeadLetter
from producers import message_id as ids


class CommandError(Exception):
    """A command cannot be carried out; the sentence says why and what to do."""


def show_list(database: Database, *, limit: int, reason: str | None, as_json: bool) -> str:
    """Give the open dead letters, newest first, and what is parked."""
    with database.transaction() as uow:
        letters = uow.dead_letters.list(limit=limit, reason=reason)
        put_by = uow.redeliveries.counts()
    if as_json:
        return json.dumps({"dead_letters": [_row(letter) for letter in letters], "put_by": put_by}, indent=2)
    lines = [_line(letter) for letter in letters] or ["No dead letters."]
    return "\n".join([*lines, *_put_by(put_by)])


def show(database: Database, letter_id: UUID, *, as_json: bool) -> str:
    """Give everything that is known of one dead letter."""
    letter = _found(database, letter_id)
    if as_json:
        return json.dumps(_row(letter), indent=2)
    fields = {key: value for key, value in _row(letter).items() if key not in {"payload", "traceback"}}
    head = "\n".join(f"{key:<13} {value}" for key, value in fields.items() if value is not None)
    return f"{head}\n\npayload\n{letter.payload}\n\n{letter.traceback or ''}".rstrip()


def replay(database: Database, letter_id: UUID) -> str:
    """Have a dead letter delivered again under its own message id."""
    letter = _found(database, letter_id)
    message_id = _replayable(letter)
    with database.transaction() as uow:
        uow.inbox.forget(message_id)
        uow.dead_letters.mark_replayed(letter.id)
        uow.redeliveries.postpone(
            message_id,
            queue=letter.queue,
            wire_name=letter.wire_name,
            envelope=letter.payload,
            state="retry",
            attempts=0,
            due_at=datetime.now(UTC),
            error=None,
        )
    return f"{letter.wire_name} {letter.message_id} is delivered again within seconds"


def discard(database: Database, letter_id: UUID) -> str:
    """Close a dead letter: nobody is going to need it."""
    letter = _found(database, letter_id)
    with database.transaction() as uow:
        uow.dead_letters.discard(letter.id)
    return f"{letter.wire_name} {letter.message_id} is discarded"


def _found(database: Database, letter_id: UUID) -> DeadLetter:
    with database.transaction() as uow:
        letter = uow.dead_letters.get(letter_id)
    if letter is None:
        message = f"there is no dead letter {letter_id}: see `python -m workers dead-letters list`"
        raise CommandError(message)
    return letter


def _replayable(letter: DeadLetter) -> UUID:
    if letter.redacted:
        message = (
            "a secret was taken out of its payload, so it cannot be delivered again: have its sender send a new one"
        )
        raise CommandError(message)
    try:
        message_id = UUID(letter.message_id)
    except ValueError:
        message_id = UUID(int=0)
    if not ids.is_message_id(message_id) or letter.reason in {"unreadable", "expired-id", "future-id"}:
        message = f"it was given up as {letter.reason} and would be again: have its sender send a new one"
        raise CommandError(message)
    return message_id


def _row(letter: DeadLetter) -> dict[str, object]:
    return {key: _plain(value) for key, value in asdict(letter).items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _line(letter: DeadLetter) -> str:
    at = f"{letter.created_at:%Y-%m-%d %H:%M:%S}"
    return f"{letter.id}  {at}  {letter.wire_name:<28} {letter.reason:<14} {letter.error.splitlines()[0][:100]}"


def _put_by(counts: Mapping[str, int]) -> Iterable[str]:
    for state, meaning in _MEANINGS.items():
        if counts.get(state):
            yield f"{counts[state]} {meaning}"


_MEANINGS: Final[Mapping[str, str]] = {
    "parked": "messages are parked: no worker knows their wire name yet",
    "retry": "messages failed and are tried again",
    "delayed": "messages wait for their time",
    "suspect": "messages were in the hands of a worker that died and are watched",
}
