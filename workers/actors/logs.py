"""Log lines."""

from db.repositories.logs import LogRow
from db.unit_of_work import UnitOfWork
from producers import LogsEmitted
from producers.message_id import derived

from ..actor import actor


@actor(LogsEmitted)
def ingest(message: LogsEmitted, uow: UnitOfWork) -> None:
    """Store the lines of a batch; lines of unknown instances go into quarantine."""
    rows = [
        LogRow(
            id=derived(message.message_id, index),
            instance_id=line.instance_id,
            timestamp=line.timestamp,
            level=line.level,
            source=line.source,
            message=line.message,
            metadata=line.metadata,
        )
        for index, line in enumerate(message.lines)
    ]
    uow.logs.ingest(rows, received_at=message.occurred_at)
