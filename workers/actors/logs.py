"""Log lines."""

from collections.abc import Sequence

from db.unit_of_work import UnitOfWork
from producers import LogsEmitted

from .. import lines
from ..actor import appending_actor


@appending_actor(LogsEmitted, lines.read)
def ingest(messages: Sequence[lines.ReadLines], uow: UnitOfWork) -> None:
    """Store the lines of batches; those of unknown instances or outside the contract go into quarantine."""
    uow.logs.ingest([message.batch for message in messages])
    refused = [line for message in messages for line in message.refused]
    if refused:
        uow.logs.quarantine("contract", refused)
