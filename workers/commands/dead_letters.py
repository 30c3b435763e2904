"""``python -m workers dead-letters``: look at what was given up, send it again, or let it go."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from db.engine import Database
from db.repositories.dead_letters import DeadLetter
from producers import message_id as ids

from ..applier import HORIZON
from ..dead_letters import Reason
from ..fate import uuid7


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
        # First, so that of two who replay one letter at the same time only one strikes out its inbox row.
        _refuse_unless(uow.dead_letters.mark_replayed(letter.id))
        uow.inbox.forget(message_id)
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
        _refuse_unless(uow.dead_letters.discard(letter.id))
    return f"{letter.wire_name} {letter.message_id} is discarded"


def _found(database: Database, letter_id: UUID) -> DeadLetter:
    with database.transaction() as uow:
        letter = uow.dead_letters.get(letter_id)
    if letter is None:
        message = f"there is no dead letter {letter_id}: see `python -m workers dead-letters list`"
        raise CommandError(message)
    return letter


def _refuse_unless(it_was_open: bool) -> None:  # noqa: FBT001  the answer of the statement that decided it
    if not it_was_open:
        message = "it was replayed or discarded before: see `python -m workers dead-letters list`"
        raise CommandError(message)


def _replayable(letter: DeadLetter) -> UUID:
    if letter.redacted:
        message = (
            "a secret was taken out of its payload, so it cannot be delivered again: have its sender send a new one"
        )
        raise CommandError(message)
    message_id = uuid7(letter.message_id)
    if message_id is None or letter.reason == Reason.UNREADABLE:
        message = f"it was given up as {letter.reason} and would be again: have its sender send a new one"
        raise CommandError(message)
    _refuse_wrong_time(message_id)
    return message_id


def _refuse_wrong_time(message_id: UUID) -> None:
    made = ids.moment(message_id)
    age = datetime.now(UTC) - made
    if age > HORIZON:
        message = f"its id is {age.days} days old, only {HORIZON.days} are known: have its sender send a new one"
        raise CommandError(message)
    if age < timedelta(0):
        message = f"its id is of the future: replay it after {made:%Y-%m-%d %H:%M} UTC, or discard it"
        raise CommandError(message)


def _row(letter: DeadLetter) -> dict[str, object]:
    return {key: plain(value) for key, value in asdict(letter).items()}


def plain(value: object) -> object:
    """Give a value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _line(letter: DeadLetter) -> str:
    at = f"{letter.created_at:%Y-%m-%d %H:%M:%S}"
    return f"{letter.id}  {at}  {letter.wire_name:<28} {letter.reason:<16} {letter.error.splitlines()[0][:100]}"


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
