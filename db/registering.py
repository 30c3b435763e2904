"""The one way into the registry of shared services, for files and for messages."""

from datetime import datetime
from typing import Final

from db.definitions import Definition
from db.errors import DataRefused
from db.refusals import ServiceRefused
from db.repositories.services import Namesake, Registered
from db.unit_of_work import UnitOfWork

_TAKEN: Final = "uq_service_registry_port"
_NO_VALUE: Final = "23502"


def register(uow: UnitOfWork, definition: Definition, *, said_at: datetime) -> Registered:
    """Add a service or bring it up to date, unless something newer was said; ServiceRefused says why it cannot be."""
    uow.services.hold_ports()
    try:
        with uow.savepoint():
            outcome = uow.services.register(definition, said_at=said_at)
    except DataRefused as refused:
        raise ServiceRefused(f"{definition.name}: {_reason(refused, definition)}") from None
    if isinstance(outcome, Namesake):
        raise ServiceRefused(f"{definition.name} would be called {definition.service_type}, as {outcome.name} is")
    return outcome


def _reason(refused: DataRefused, definition: Definition) -> str:
    if refused.constraint == _TAKEN:
        return f"port {definition.port} belongs to another service"
    if refused.sqlstate == _NO_VALUE and definition.port is None:
        return "no port is free: give it one, or delete services that nobody uses"
    return f"refused by {refused.constraint}" if refused.constraint else refused.sentence
