"""Log lines."""

from collections.abc import Sequence
from uuid import UUID

from db.repositories.logs import Batch, LogRow, StrayLine
from db.unit_of_work import UnitOfWork
from producers import LogsEmitted
from producers.batch import RefusedLine
from producers.message_id import derived, moment
from producers.text import mended_json

from ..actor import set_actor
from ..refused import kept


@set_actor(LogsEmitted)
def ingest(messages: Sequence[LogsEmitted], uow: UnitOfWork) -> None:
    """Store the lines of batches; those of unknown instances or outside the contract go into quarantine."""
    uow.logs.ingest([_batch(message) for message in messages])
    refused = [_stray(message.message_id, line) for message in messages for line in message.refused]
    if refused:
        uow.logs.quarantine("contract", refused)


def _batch(message: LogsEmitted) -> Batch:
    rows = [
        LogRow(
            id=derived(message.message_id, number - 1),
            instance_id=line.instance_id,
            timestamp=line.timestamp,
            level=line.level,
            source=line.source,
            message=line.message,
            metadata=line.metadata,
            number=number,
        )
        for number, line in message.numbered()
    ]
    # The stamp of the id was judged when the message was claimed; occurred_at may be anything.
    return Batch(message.message_id, moment(message.message_id), rows)


def _stray(message_id: UUID, refused: RefusedLine) -> StrayLine:
    return StrayLine(message_id, refused.number, _instance_id(mended_json(refused.line)), kept(refused))


def _instance_id(line: object) -> UUID | None:
    try:
        return UUID(str(line["instance_id"])) if isinstance(line, dict) else None
    except (KeyError, ValueError):
        return None
