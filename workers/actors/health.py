"""Health: probe what is asked for, record what was found, by whomever, and know what there is to be checked."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from db.repositories.health import HealthReportRow
from db.repositories.targets import Subject
from db.unit_of_work import UnitOfWork
from producers import CheckHealth, HealthChecksDue, HealthReport, HealthReported, HealthTarget

from .. import verdicts
from ..actor import prepared_actor, set_actor
from ..probes.finding import Finding
from ..probes.target import Target
from ..resources import Resources
from ..tick import tick_actor


@set_actor(HealthReported)
def record(messages: Sequence[HealthReported], uow: UnitOfWork) -> None:
    """Record verdicts; per target the newest slot wins and a slot counts once."""
    reports = [report for message in messages for report in message.reports]
    targets = uow.targets.of(_subject(report) for report in reports)
    verdicts.record(list(_rows(reports, targets)), uow)


def probe(message: CheckHealth, resources: Resources) -> HealthReported:
    """Ask every target how it is, and report it as another service would."""
    found = resources.prober.check([_target(each) for each in message.targets])
    reports = [_report(target, finding) for target, finding in zip(message.targets, found, strict=True)]
    return HealthReported(message_id=message.message_id, reports=reports)


@prepared_actor(CheckHealth, probe)
def check(message: HealthReported, uow: UnitOfWork) -> None:
    """Record what the probes found."""
    record.apply(message, uow)


@tick_actor("follow-health-targets", HealthChecksDue)
def follow(message: HealthChecksDue, uow: UnitOfWork) -> None:
    """Check what has begun, and no more what has ended."""
    del message
    uow.targets.enter()
    uow.targets.follow()
    uow.alerts.settle()
    uow.probers.forget()


def _subject(part: HealthReport | HealthTarget) -> Subject:
    if part.instance_id is not None:
        return Subject("instance", str(part.instance_id))
    if part.service_type is not None:
        return Subject("service", part.service_type)
    return Subject("server", str(part.server_id))


def _rows(reports: Iterable[HealthReport], targets: Mapping[Subject, UUID]) -> Iterable[HealthReportRow]:
    for report in reports:
        target_id = targets.get(_subject(report))
        if target_id is not None:
            yield HealthReportRow(
                target_id=target_id,
                scheduled_at=report.scheduled_at,
                verdict=report.verdict,
                checked_at=report.checked_at,
                response_ms=report.response_ms,
                error=report.error,
                era=report.era,
            )


def _target(asked: HealthTarget) -> Target:
    # The conversation with a server is kept under what it is called, from one message to the next.
    return Target(verdicts.conversation(_subject(asked)), asked.url, asked.probe, asked.timeout_seconds)


def _report(asked: HealthTarget, finding: Finding) -> HealthReport:
    return HealthReport(
        instance_id=asked.instance_id,
        service_type=asked.service_type,
        server_id=asked.server_id,
        scheduled_at=asked.scheduled_at,
        checked_at=finding.checked_at,
        verdict=finding.verdict,
        response_ms=finding.response_ms,
        error=finding.error,
        era=finding.era,
    )
