"""Messages that were given up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, null, select, text, update
from sqlalchemy.dialects.postgresql import insert

from db.models import DeadLetterRow
from db.statement import Driver, Statement, from_file
from db.storable import storable


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, and why."""

    message_id: str
    queue: str
    wire_name: str
    reason: str
    error: str
    payload: str
    host: str
    traceback: str | None = None
    redacted: bool = False
    deliveries: int = 1
    id: UUID = field(default_factory=uuid4)
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    replayed_at: datetime | None = None
    discarded_at: datetime | None = None


_CONTENT: Final = (
    "queue",
    "wire_name",
    "reason",
    "error",
    "payload",
    "host",
    "traceback",
    "redacted",
    "deliveries",
    "created_at",
)
_COLUMNS: Final = [DeadLetterRow.__table__.c[name] for name in DeadLetter.__dataclass_fields__]
_is_open = DeadLetterRow.replayed_at.is_(None) & DeadLetterRow.discarded_at.is_(None)
_new = insert(DeadLetterRow).values({name: bindparam(name) for name in ("id", "message_id", *_CONTENT)})

_ADD: Final = Statement(
    "dead_letters.add",
    # A message that was replayed and died again is one letter, open again.
    _new.on_conflict_do_update(
        index_elements=[DeadLetterRow.message_id],
        set_={**{name: _new.excluded[name] for name in _CONTENT}, "replayed_at": null(), "discarded_at": null()},
    ).returning(DeadLetterRow.id),
)
_LIST: Final = from_file("dead_letters.list")
_GET: Final = Statement("dead_letters.get", select(*_COLUMNS).where(DeadLetterRow.id == bindparam("letter_id")))
_BETWEEN: Final = from_file("dead_letters.between")
_COUNT: Final = Statement(
    "dead_letters.count_by_reason",
    select(DeadLetterRow.reason, func.count())
    .where(_is_open)
    .group_by(DeadLetterRow.reason)
    .order_by(DeadLetterRow.reason),
)
_MARK_REPLAYED: Final = Statement(
    "dead_letters.mark_replayed",
    update(DeadLetterRow)
    .where(DeadLetterRow.id == bindparam("letter_id"), _is_open)
    .values(replayed_at=text("now()"))
    .returning(DeadLetterRow.id),
)
_DISCARD: Final = Statement(
    "dead_letters.discard",
    update(DeadLetterRow)
    .where(DeadLetterRow.id == bindparam("letter_id"), _is_open)
    .values(discarded_at=text("now()"))
    .returning(DeadLetterRow.id),
)


class DeadLetters:
    """The letters, which are open until they are replayed or discarded."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def add(self, letter: DeadLetter) -> UUID:
        """Store a letter and return its id; a message that died before keeps its one letter, written anew."""
        values = {name: getattr(letter, name) for name in ("id", "message_id", *_CONTENT)}
        # Recording a death must not fail on the very bytes that caused it.
        clean = {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
        return UUID(str(_ADD.run(self._driver, **clean).fetchall()[0][0]))

    def list(
        self, limit: int = 50, *, reason: str | None = None, before: DeadLetter | None = None
    ) -> "list[DeadLetter]":
        """Return open letters, newest first, that are older than `before`: pass the last of a page to get the next."""
        cursor = _LIST.run(
            self._driver,
            limit=limit,
            reason=reason,
            before_at=before and before.created_at,
            before_id=before and before.id,
        )
        return [DeadLetter(*row) for row in cursor]

    def between(
        self, since: datetime, until: datetime, *, after: DeadLetter | None, limit: int
    ) -> Sequence[DeadLetter]:
        """Return letters of a span, open or not, the oldest first: pass the last of a page to get the next."""
        cursor = _BETWEEN.run(
            self._driver,
            since=after.created_at if after else since,
            until=until,
            after_id=after.id if after else None,
            limit=limit,
        )
        return [DeadLetter(*row) for row in cursor]

    def get(self, letter_id: UUID) -> DeadLetter | None:
        """Return a letter, open or not."""
        row = _GET.run(self._driver, letter_id=letter_id).fetchone()
        return None if row is None else DeadLetter(*row)

    def mark_replayed(self, letter_id: UUID) -> bool:
        """Close a letter because its message was sent again; False if it was closed or never existed."""
        return _MARK_REPLAYED.run(self._driver, letter_id=letter_id).fetchone() is not None

    def discard(self, letter_id: UUID) -> bool:
        """Close a letter for good; False if it was closed or never existed."""
        return _DISCARD.run(self._driver, letter_id=letter_id).fetchone() is not None

    def count_by_reason(self) -> dict[str, int]:
        """Return how many open letters there are of each reason."""
        return {reason: int(count) for reason, count in _COUNT.run(self._driver)}
