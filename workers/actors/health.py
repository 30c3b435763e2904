"""Health: probe what is due, and record what was found, by whomever."""

from db.repositories.health import HealthReportRow
from db.unit_of_work import UnitOfWork
from producers import CheckHealth, HealthReported

from ..actor import actor, prepared_actor
from ..resources import Resources


@actor(HealthReported)
def record(message: HealthReported, uow: UnitOfWork) -> None:
    """Record verdicts; per instance the newest slot wins and a slot counts once."""
    uow.health.record([HealthReportRow(**report.model_dump()) for report in message.reports])


def probe(message: CheckHealth, resources: Resources) -> HealthReported:
    """Ask every target how it is, and report it as another service would."""
    reports = resources.prober.check(message.targets)
    return HealthReported(message_id=message.message_id, reports=reports)


@prepared_actor(CheckHealth, probe)
def check(message: HealthReported, uow: UnitOfWork) -> None:
    """Record what the probes found."""
    record.apply(message, uow)
